"""Observation and DiagnosticReport: one `test` for each sample, or its tube, whichever way its genes are told."""

from __future__ import annotations

from collections.abc import Iterator

from services.intake.health.codes import Coded
from services.intake.health.fhir.bundles import Together, subject_of
from services.intake.health.fhir.pools import pool_of, specimens_of
from services.intake.health.fhir.resources import Entry, Resource, common_of, concept, listed, name_of, time_of
from services.intake.health.fhir.telling import WITHDRAWN, is_panel, is_withdrawn, results_of
from services.intake.health.items import Item, Unused
from services.intake.health.pooling import people_of, result_of
from services.intake.health.saying import (
    Common,
    Given,
    Measured,
    first_of,
    no_longer,
    taken_back,
    test_of,
    to_the_minute,
)
from services.intake.health.sources import Source
from services.intake.problems import Problem

_TAKEN = ("final", "amended", "corrected", "preliminary", "appended", "partial")
"""Of a report that is partial some observations are out: what they say is taken as of a preliminary one."""


def said_of_observation(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """An observation by itself, or those that it tells; one that something else tells is withdrawn as its own."""
    teller, report = together.told_by.get(entry.place), together.annulled.get(entry.place)
    if teller is not None:
        yield from _told_elsewhere(entry, teller, together, source)
    elif report is not None:
        said = _later(entry, report, source).withdrawal("test", _source_id(entry, together))
        yield Item(entry.place, said)
    elif entry.place in together.tells:
        yield from _tested(together.tells[entry.place], entry, together, source)
    elif not lines_of(entry, source):
        gone = Item(entry.place, common_of(entry.resource, source).withdrawal("test", _source_id(entry, together)))
        why = Unused(entry.place, Problem("", "no_nucleic_acid"))
        yield from no_longer([gone], why, named=_own_name(entry, together))
    elif is_panel(entry) and not is_withdrawn(entry):
        yield Unused(entry.place, Problem("", "told_by_observations"))
    else:
        yield from _tested([entry], entry, together, source)


def said_of_report(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """A report: its genes together where no single observation says what they mean."""
    told = together.tells.get(entry.place)
    alone = [each for each in results_of(entry, together) if lines_of(each, source)]
    is_of_use = source.codes.measure(concept(entry.resource.get("code"))) is not None
    concludes = is_of_use and bool(listed(entry.resource, "conclusionCode"))
    if told or (concludes and not alone):
        yield from _tested(told or [entry], entry, together, source)
    else:
        why = Problem("", "told_by_observations" if alone or is_of_use else "no_nucleic_acid")
        unused = taken_back(entry.place) if is_withdrawn(entry) else Unused(entry.place, why)
        # It may have told a test itself, when more of its observations, or none, came with it.
        gone = Item(entry.place, common_of(entry.resource, source).withdrawal("test", _source_id(entry, together)))
        is_over = is_withdrawn(entry) or alone
        yield from no_longer([gone], unused, named=is_over and _own_name(entry, together))


def _told_elsewhere(entry: Entry, teller: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """It may have been told by itself before its report had a second result: then there would be two tests."""
    common, own = _later(entry, teller, source), _source_id(entry, together)
    replaced = teller.resource.get("status") in (*_TAKEN, *WITHDRAWN) and own != _source_id(teller, together)
    gone = [Item(entry.place, common.withdrawal("test", own))] if replaced else []
    yield from no_longer(gone, Unused(entry.place, Problem("", "told_by_report")), named=_own_name(entry, together))


def _later(entry: Entry, teller: Entry, source: Source) -> Common:
    """What is said of an observation by its report is as late as the later of both."""
    own, its = common_of(entry.resource, source), common_of(teller.resource, source)
    if own.revised_at and its.revised_at and its.revised_at.at > own.revised_at.at:
        return own._replace(revised_at=its.revised_at)
    return own


def lines_of(entry: Entry, source: Source) -> list[Measured]:
    """An observation or a report as lines: its own value, then its components."""
    codes = source.codes
    parts = [(entry.place, entry.resource)]
    parts += [(f"{entry.place}.component[{n}]", each) for n, each in enumerate(listed(entry.resource, "component"))]
    lines = []
    for place, part in parts:
        measures = codes.measure(concept(part.get("code")))
        told = any(name.startswith("value") for name in part) or "interpretation" in part or "conclusionCode" in part
        if measures is not None and (told or len(parts) == 1):
            lines.append(Measured(measures, list(_words(part)), _number(part), f"{place}.value"))
    return lines


def _words(part: Resource) -> Iterator[Coded]:
    yield from concept(part.get("valueCodeableConcept"))
    yield Coded("", "", part.get("valueString") or "")
    if isinstance(part.get("valueBoolean"), bool):
        yield Coded("", "", "positive" if part["valueBoolean"] else "negative")
    for each in (*listed(part, "interpretation"), *listed(part, "conclusionCode")):
        yield from concept(each)


def _number(part: Resource) -> str:
    """A quantity of more or less than something is none."""
    quantity = part.get("valueQuantity") or {}
    if quantity.get("comparator"):
        return ""
    value = quantity.get("value", part.get("valueInteger", part.get("valueString")))
    return "" if value is None else str(value)


def _tested(told: list[Entry], entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """told: what the entry tells, the entry itself where it does."""
    resource, place = entry.resource, entry.place
    common, pool, status = common_of(resource, source), pool_of(entry, together, source), resource.get("status")
    standing = [each for each in told if each.resource.get("status") in _TAKEN]
    source_id = _source_id(entry, together, f"tube/{pool.tube}" if pool else "")
    report = [line for each in standing for line in lines_of(each, source)]
    times = _times(standing, entry, together, source)
    if status in WITHDRAWN or (not standing and any(map(is_withdrawn, told))):
        yield Item(place, common.withdrawal("tube-result" if pool else "test", source_id))
    elif status not in _TAKEN or not standing:
        yield Unused(place, Problem("", "not_final"))
    elif not any(line.measures != "ct" for line in report):
        yield Unused(place, Problem("", "no_nucleic_acid"))
    elif pool:
        people = {each.key: each for each in pool.people if each.is_named}
        if people:
            yield people_of(common, f"{source_id}/people", pool.tube, people.values(), times[0], place)
        yield result_of(common, source_id, pool.tube, report, times, place)
    else:
        patient = subject_of(resource, place, together, source)
        if _own_name(entry, together) is None:
            at = resource.get("effectiveDateTime") or resource.get("issued")
            source_id = f"{entry.type}/{patient.person_ref}/{at}"
        yield test_of(common, source_id, patient, report, *times, place)


def _own_name(entry: Entry, together: Together) -> str | None:
    """Its own id, else its number if that is of one subject, else its address."""
    name, url = name_of(entry.resource), entry.resource.get("fullUrl")
    is_its_own = entry.resource.get("id") or (entry.type, name) not in together.ambiguous
    return name if name and is_its_own else url


def _source_id(entry: Entry, together: Together, otherwise: str = "") -> str:
    return f"{entry.type}/{_own_name(entry, together) or otherwise}"


def _times(told_by: list[Entry], entry: Entry, together: Together, source: Source) -> tuple[Given | None, Given | None]:
    """When the sample was taken, by the specimen or what is said to be the effective time; when the result was out."""
    effective = ("effectiveDateTime", "effectiveInstant", "effectivePeriod.start")
    each_of = [entry, *(each for each in told_by if each is not entry)]
    collected: list[Given] = []
    for each in each_of:
        for specimen in specimens_of(each.resource, together):
            names = ("collectedDateTime", "collectedPeriod.start")
            collected += time_of(specimen.get("collection") or {}, f"{each.place}.specimen", source, *names)
        collected += time_of(each.resource, each.place, source, *effective)
    out = [
        given for each in each_of for given in time_of(each.resource, each.place, source, "issued", "meta.lastUpdated")
    ]
    return first_of(collected), to_the_minute([*out, *collected])
