"""ADT^A01, A04 and A08: diagnoses that must be reported, and corrections of a person's own data (HL7 v2.5.1 §3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC

from contracts.events.cases import Classification
from services.intake.health.codes import Coded, Diagnosis
from services.intake.health.hl7.message import Message, Segment
from services.intake.health.hl7.orders import coded_of
from services.intake.health.hl7.patients import patient_of
from services.intake.health.items import Item, Unused
from services.intake.health.moments import read_moment
from services.intake.health.people import Patient
from services.intake.health.saying import (
    COVID,
    Common,
    Given,
    details_of,
    finding_of,
    first_of,
    id_of_visit,
    no_finding,
    taken_back,
    to_the_minute,
    unused_diagnosis,
)
from services.intake.problems import Problem, Refused

_SURE = {"F": 0, "": 1, "W": 2, "A": 3}
"""Table 0052, the surest first: final, not said, working, admitting."""
_NO_YEAR = 1900
"""Up to this one a time stands for none: systems write 00010101 and 19000101 where they know no time."""


def said_of_admission(message: Message, common: Common) -> Iterator[Item | Unused]:
    """A `case-finding` for the surest diagnosis of COVID-19; A08 without one corrects what is known of the person.

    What an A08 says is all that there is: a finding of that visit which is not in it any more is withdrawn. Raises
    Refused for a diagnosis of a visit that nothing names.
    """
    is_update, patient = message.header.get(9, 2) == "A08", patient_of(message.first("PID"), common.source)
    visit = _visit(message, patient, common)
    told = [(each, common.source.codes.diagnosis(_codes(each))) for each in message.segments if each.name == "DG1"]
    ours = [(each, diagnosis) for each, diagnosis in told if diagnosis is not None and diagnosis.disease == COVID]
    if ours and not visit:
        raise Refused(Problem(message.first("PV1").place(19), "visit_not_named"))
    source_id = id_of_visit(message.header.get(4), visit)
    finding = _finding([each for each in ours if not _is_deleted(each[0])], source_id, patient, message, common)
    deleted = [each.place(21) for each, _ in ours if _is_deleted(each)]
    if deleted or (visit and finding is None and is_update and _are_all([each for each, _ in told])):
        stands = finding and finding.record["source_id"]
        yield from (each for each in no_finding(common, source_id, "DG1^1") if each.record["source_id"] != stands)
    yield from map(taken_back, deleted)
    if finding is not None:
        yield finding
    elif is_update:
        yield details_of(common, f"{message.header.get(4)}/patient/{patient.person_ref}", patient, "PID^1")
    others = ((each, diagnosis) for each, diagnosis in told if diagnosis is None or diagnosis.disease != COVID)
    yield from (unused_diagnosis(diagnosis, f"DG1^{each.number}") for each, diagnosis in others)
    if not (told or is_update):
        yield Unused("DG1", Problem("", "no_notifiable_diagnosis"))


def _finding(
    ours: Sequence[tuple[Segment, Diagnosis]], source_id: str, patient: Patient, message: Message, common: Common
) -> Item | None:
    if not ours:
        return None
    segment, diagnosis = min(ours, key=lambda each: _SURE.get(each[0].get(6), 2))
    classification = _classification(segment, diagnosis)
    found = _found(segment, classification, message, common)
    return finding_of(common, source_id, patient, classification, found, f"DG1^{segment.number}")


def _is_deleted(segment: Segment) -> bool:
    return segment.get(21) == "D"


def _are_all(diagnoses: Sequence[Segment]) -> bool:
    """Whether they are a visit's diagnoses: one with an action code (DG1-21) is a change, an empty one is none."""
    named = any(coded.code or coded.text for each in diagnoses for coded in _codes(each))
    return named and not any(each.get(21) for each in diagnoses)


def _codes(segment: Segment) -> list[Coded]:
    """DG1-3 with the method of DG1-2 where it names no system, and the description of DG1-4."""
    codes = [coded if coded.system else coded._replace(system=segment.get(2)) for coded in coded_of(segment.all(3))]
    return [*codes, Coded("", "", segment.get(4))]


def _classification(segment: Segment, diagnosis: Diagnosis) -> str:
    """A diagnosis that is not final is no more than a suspicion."""
    if segment.get(6) in ("A", "W") and diagnosis.classification == Classification.CONFIRMED:
        return Classification.SUSPECTED.value
    return diagnosis.classification


def _visit(message: Message, patient: Patient, common: Common) -> str:
    """The number of the stay, its other number, that of the account, else whose it is and when it began; or ""."""
    pv1 = message.first("PV1")
    number = pv1.get(19) or pv1.get(50) or message.first("PID").get(18)
    began = read_moment(pv1.get(44), common.source.tz)
    if number or began is None or began.at.year <= _NO_YEAR or not patient.is_named:
        return number
    # The person's number in the hospital goes first: an A08 may have learnt the identification number since.
    return f"patient/{patient.person_ref or patient.digest}/{began.at.astimezone(UTC):%Y%m%dT%H%MZ}"


def _found(segment: Segment, classification: str, message: Message, common: Common) -> Given | None:
    places = (
        (segment, 5),
        (message.first("PV1"), 44),
        (message.first("EVN"), 6),
        (message.first("EVN"), 2),
        (message.header, 7),
    )
    # Ruled out by the day would lie before a suspicion of that day.
    chosen = to_the_minute if classification == Classification.EXCLUDED else first_of
    return chosen(
        Given(each.get(field), read_moment(each.get(field), common.source.tz), each.place(field))
        for each, field in places
    )
