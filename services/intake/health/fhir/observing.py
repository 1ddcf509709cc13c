"""Observation and DiagnosticReport: one `test` for each sample, or its tube, whichever way its genes are told."""

from __future__ import annotations

from collections.abc import Iterator

from services.intake.health.codes import Coded
from services.intake.health.fhir.bundles import Together, subject_of
from services.intake.health.fhir.pools import pool_of, specimens_of
from services.intake.health.fhir.resources import Entry, Resource, common_of, concept, listed, name_of, time_of
from services.intake.health.items import Item, Unused
from services.intake.health.pooling import people_of, result_of
from services.intake.health.saying import Given, Measured, first_of, no_longer, test_of, to_the_minute
from services.intake.health.sources import Source
from services.intake.problems import Problem

_WITHDRAWN = ("entered-in-error", "cancelled")
_TAKEN = ("final", "amended", "corrected", "preliminary", "appended")


def said_of_observation(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """An observation by itself; one that a report of this message tells with others is told by the report."""
    if not lines_of(entry, source):
        gone = Item(entry.place, common_of(entry.resource, source).withdrawal("test", _source_id(entry)))
        yield from no_longer([gone], Unused(entry.place, Problem("", "no_nucleic_acid")), named=_own_name(entry))
    elif entry.place in together.reported:
        yield Unused(entry.place, Problem("", "told_by_report"))
    else:
        yield from _tested([entry], entry, together, source)


def said_of_report(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """A report: its genes together where no single observation says what they mean."""
    observations = observations_of(entry, together, source)
    if not observations and source.codes.measure(concept(entry.resource.get("code"))) is None:
        yield Unused(entry.place, Problem("", "no_nucleic_acid"))
    elif len(observations) == 1 or (not observations and not listed(entry.resource, "conclusionCode")):
        yield Unused(entry.place, Problem("", "told_by_observations"))
    else:
        yield from _tested(observations or [entry], entry, together, source)


def find_reported(together: Together, source: Source) -> None:
    """Note the observations that a report of this message tells together with others."""
    for report in together.of_type("DiagnosticReport"):
        told = observations_of(report, together, source)
        if len(told) > 1:
            together.reported.update(each.place for each in told)


def observations_of(report: Entry, together: Together, source: Source) -> list[Entry]:
    """Those of a report's results that are here and of use."""
    found = [together.entry(each.get("reference") or "") for each in listed(report.resource, "result")]
    return [each for each in found if each is not None and each.type == "Observation" and lines_of(each, source)]


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
    value = (part.get("valueQuantity") or {}).get("value", part.get("valueInteger", part.get("valueString")))
    return "" if value is None else str(value)


def _tested(told_by: list[Entry], entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    resource, place = entry.resource, entry.place
    common, name, pool = common_of(resource, source), name_of(resource), pool_of(entry, together, source)
    kind, status = "tube-result" if pool else "test", resource.get("status")
    source_id = _source_id(entry, f"tube/{pool.tube}" if pool else "")
    report = [line for each in told_by for line in lines_of(each, source)]
    if status in _WITHDRAWN:
        yield Item(place, common.withdrawal(kind, source_id))
    elif status not in _TAKEN:
        yield Unused(place, Problem("", "not_final"))
    elif not any(line.measures != "ct" for line in report):
        yield Unused(place, Problem("", "no_nucleic_acid"))
    elif pool:
        times = _times(told_by, entry, together, source)
        people = {each.key: each for each in pool.people if each.is_named}
        if people:
            yield people_of(common, f"{source_id}/people", pool.tube, people.values(), times[0], place)
        yield result_of(common, source_id, pool.tube, report, times, place)
    else:
        patient = subject_of(resource, place, together, source)
        if name is None and "fullUrl" not in resource:
            at = resource.get("effectiveDateTime") or resource.get("issued")
            source_id = f"{entry.type}/{patient.person_ref}/{at}"
        yield test_of(common, source_id, patient, report, *_times(told_by, entry, together, source), place)


def _own_name(entry: Entry) -> str | None:
    return name_of(entry.resource) or entry.resource.get("fullUrl")


def _source_id(entry: Entry, otherwise: str = "") -> str:
    return f"{entry.type}/{_own_name(entry) or otherwise}"


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
