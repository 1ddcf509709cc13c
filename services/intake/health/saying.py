"""Canonical records out of what laboratories and hospitals say, whatever the form of the message."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from contracts.events.cases import Classification, Precision
from contracts.events.testing import Result
from services.intake.health.codes import Coded, Diagnosis, other_diseases
from services.intake.health.items import Item, Record, Unused
from services.intake.health.moments import Exact, Moment
from services.intake.health.people import Patient
from services.intake.health.sources import Source
from services.intake.problems import Problem

COVID = "covid-19"
_LONGEST_ID = 128
_CLASSES = {"A": "甲类", "B": "乙类", "C": "丙类"}


class Common(NamedTuple):
    """What all records of a message carry. revised_at: when the sender made this revision; or version: which it is."""

    source: Source
    revised_at: Moment | None
    version: int | None = None
    drill: bool = False

    def record(self, kind: str, source_id: str, division_code: str) -> Record:
        """The beginning of a record."""
        record: Record = {
            "feed": self.source.feed,
            "source_id": short_id(source_id),
            "kind": kind,
            "division_code": division_code,
        }
        return {**record, **self.revision, **({"drill": True} if self.drill else {})}

    def withdrawal(self, kind: str, source_id: str) -> Record:
        """What was said under this id was not so."""
        record = {"feed": self.source.feed, "source_id": short_id(source_id), "kind": kind, "withdrawn": True}
        return {**record, **(self.revision or {"revision": 2})}

    @property
    def revision(self) -> Record:
        """The fields that tell which revision it is."""
        if self.revised_at:
            return {"revised_at": self.revised_at.text}
        return {"version": self.version} if self.version else {}


class Measured(NamedTuple):
    """One line of a laboratory's report. said: its words for the result.

    measures: rna, target or ct; "" where it is of the virus and nobody has told what its code means.
    """

    measures: str
    said: Sequence[Coded]
    number: str
    place: str


class Given(NamedTuple):
    """A time of a message: what stands there, what it means, where. Unread: something stands there and is no time."""

    text: str
    moment: Moment | None
    place: str


def short_id(source_id: str) -> str:
    """The sender's id; of one that is too long the beginning and a hash of the whole."""
    if len(source_id) <= _LONGEST_ID:
        return source_id
    return f"{source_id[:90]}#{hashlib.blake2b(source_id.encode(), digest_size=16).hexdigest()}"


def id_of_visit(facility: str, visit: str) -> str:
    """What is found at a visit, by HL7 or by FHIR: one thing said in two ways is one."""
    return f"{facility}/{visit}/{COVID}"


def outcome_of(report: Sequence[Measured], source: Source) -> tuple[str | None, str, list[Problem]]:
    """A sample's result (or the words of the sender), its place, what is wrong with it.

    The finding for the sample counts, else the genes together: two that disagree ask for another sample.
    """
    of_each = ([each for each in report if each.measures == measures] for measures in ("rna", "target", ""))
    overall = next(filter(None, of_each), [])
    results = [source.codes.result(each.said) for each in overall]
    for each, result in zip(overall, results, strict=True):
        if not each.measures:
            return None, each.place, [Problem("result", "unknown_test")]
        if result is None:
            words = next((coded.text or coded.code for coded in each.said if coded.text or coded.code), "")
            problem = Problem("result", "unknown_result" if words else "missing")
            return words[:100] or None, each.place, [problem]
    agreed = results[0] if len(set(results)) == 1 else Result.INCONCLUSIVE.value
    return agreed, overall[0].place, []


def cycles_of(report: Iterable[Measured]) -> float | None:
    """The lowest of the cycle thresholds that are numbers."""
    numbers = [_number(each.number) for each in report if each.measures == "ct"]
    return min((each for each in numbers if each is not None), default=None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 60 else None


def first_of(times: Iterable[Given]) -> Given | None:
    """The first that is there, readable or not."""
    return next((each for each in times if each.text), None)


def to_the_minute(times: Iterable[Given]) -> Given | None:
    """The first that is known to the minute, else the first that is there."""
    there = [each for each in times if each.text]
    exact = (each for each in there if each.moment and each.moment.exact is Exact.MINUTE)
    return next(exact, there[0] if there else None)


def put_time(record: Record, field: str, given: Given | None, least: Exact, problems: list[Problem]) -> None:
    """A time into a record; what stands there, and the problem, where it is none or not exact enough."""
    if given is None:
        problems.append(Problem(field, "missing"))
    elif given.moment is None:
        record[field] = given.text[:64]
        problems.append(Problem(field, "health_time_form"))
    elif given.moment.exact < least:
        record[field] = given.text[:64]
        problems.append(Problem(field, "health_time_coarse"))
    else:
        record[field] = given.moment.text


def test_of(
    common: Common,
    source_id: str,
    patient: Patient,
    report: Sequence[Measured],
    sampled: Given | None,
    resulted: Given | None,
    place: str,
) -> Item:
    """One person's sample. A positive one is what the laboratory says; whether it makes a case, people decide."""
    result, result_place, problems = outcome_of(report, common.source)
    record = {**common.record("test", source_id, patient.division_code), **patient.someone}
    # A sample's day is enough: the days of a plan are counted by it. A result may not lie before its sample.
    put_time(record, "sampled_at", sampled, Exact.DAY, problems)
    put_time(record, "resulted_at", resulted, Exact.MINUTE, problems)
    if result is not None:
        record["result"] = result
    cycles = cycles_of(report)
    if cycles is not None:
        record["ct_value"] = cycles
    if not patient.is_named:
        problems.append(Problem("person", "nobody_named"))
    times = {name: each.place for name, each in (("sampled_at", sampled), ("resulted_at", resulted)) if each}
    places = {**patient.places, **times, "result": result_place}
    return Item(place, record, tuple(problems), places)


def finding_of(
    common: Common,
    source_id: str,
    patient: Patient,
    classification: str,
    found: Given | None,
    place: str,
    onset: Given | None = None,
) -> Item:
    """A diagnosis. One that is ruled out is a classification; each state of knowledge is a statement of its own."""
    problems = list[Problem]()
    of = {**patient.someone, "classification": classification}
    places = dict(patient.places)
    if classification == Classification.EXCLUDED:
        record = {**common.record("case-classification", f"{source_id}/{classification}", patient.division_code), **of}
        put_time(record, "classified_at", found, Exact.MINUTE, problems)
    else:
        record = {**common.record("case-finding", f"{source_id}/{classification}", patient.division_code), **of}
        put_time(record, "found_at", found, Exact.DAY, problems)
        record |= {"found_how": common.source.found_how.value, "institution": common.source.institution}
        if found and found.moment and found.moment.exact < Exact.MINUTE:
            record["precision"] = Precision.DAY.value
        if onset is not None and onset.text:
            put_time(record, "onset_at", onset, Exact.DAY, problems)
            places["onset_at"] = onset.place
    if found:
        places |= {"found_at": found.place, "classified_at": found.place}
    if not patient.is_named:
        problems.append(Problem("person", "nobody_named"))
    return Item(place, record, tuple(problems), places)


def no_finding(common: Common, source_id: str, place: str) -> list[Item]:
    """A diagnosis that was not so: whichever of its states is known."""
    gone = (common.withdrawal("case-finding", f"{source_id}/{state}") for state in Classification)
    return [Item(place, each, only_if_known=True) for each in gone]


def taken_back(place: str) -> Unused:
    """What is answered to what withdraws, whether or not anything is known."""
    return Unused(place, Problem("", "taken_back"))


def no_longer(gone: Iterable[Item], why: Unused, *, named: object) -> Iterator[Item | Unused]:
    """What is of no use here now: of one that was of use before, what was said under its id is withdrawn.

    named: its own id, if it has one; what is called by its person and time may be called as another one is.
    """
    yield why
    if named:
        yield from (each._replace(only_if_known=True) for each in gone)


def details_of(common: Common, source_id: str, patient: Patient, place: str) -> Item | Unused:
    """A patient's own data."""
    if not patient.is_named or not patient.person:
        return Unused(place, Problem("", "no_person_data"))
    record = {**common.record("person-details", source_id, patient.division_code), **patient.someone}
    return Item(place, record, (), patient.places)


def unused_diagnosis(diagnosis: Diagnosis | None, place: str) -> Unused:
    """Why nothing is recorded of a diagnosis."""
    if diagnosis is None:
        return Unused(place, Problem("", "no_notifiable_diagnosis"))
    disease = other_diseases()[diagnosis.disease]
    named = {"en": disease.name_en, "zh": disease.name_zh}
    words = {**named, "class": disease.law_class, "class_zh": _CLASSES[disease.law_class]}
    return Unused(place, Problem("", "other_disease", words))
