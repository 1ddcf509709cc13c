"""Immunization: a `vaccination` for each dose given against COVID-19."""

from __future__ import annotations

from collections.abc import Iterator

from services.intake.health.fhir.bundles import Together, subject_of
from services.intake.health.fhir.resources import Entry, Resource, common_of, concept, listed, name_of, time_of
from services.intake.health.items import Item, Unused
from services.intake.health.moments import Exact
from services.intake.health.saying import first_of, no_longer, put_time
from services.intake.health.sources import Source
from services.intake.problems import Problem

_NOT_GIVEN = ("entered-in-error", "not-done")
_MOST_DOSES = 10


def said_of_immunization(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """What was not given, or entered in error, withdraws what was said of it before."""
    resource, place = entry.resource, entry.place
    vaccine = source.codes.vaccine(concept(resource.get("vaccineCode")))
    patient = subject_of(resource, place, together, source)
    given = first_of(time_of(resource, place, source, "occurrenceDateTime", "occurrenceString"))
    common = common_of(resource, source)
    name = name_of(resource) or f"{patient.person_ref}/{given.text if given else ''}"
    source_id, status = f"Immunization/{name}", resource.get("status")
    if vaccine is None and status != "entered-in-error":
        gone = Item(place, common.withdrawal("vaccination", source_id))
        yield from no_longer([gone], Unused(place, Problem("", "other_vaccine")), named=name_of(resource))
        return
    if status in _NOT_GIVEN:
        yield Item(place, common.withdrawal("vaccination", source_id))
        return
    problems = list[Problem]()
    record = {**common.record("vaccination", source_id, patient.division_code), **patient.someone, "vaccine": vaccine}
    dose, said = _dose(resource)
    if dose is not None:
        record["dose_number"] = dose
    put_time(record, "given_at", given, Exact.DAY, problems)
    if not patient.is_named:
        problems.append(Problem("person", "nobody_named"))
    places = {**patient.places, "vaccine": f"{place}.vaccineCode", "dose_number": f"{place}.protocolApplied"}
    yield Item(place, record, tuple(problems), places | ({"given_at": given.place} if given else {}))
    if said and dose is None:
        yield Unused(f"{place}.protocolApplied", Problem("", "dose_not_numbered"))


def _dose(resource: Resource) -> tuple[int | None, bool]:
    """Which dose it was, of the first protocol that says it; and whether anything is said of it."""
    for protocol in listed(resource, "protocolApplied"):
        text = str(protocol.get("doseNumberPositiveInt") or protocol.get("doseNumberString") or "").strip()
        if text:
            known = text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= _MOST_DOSES
            return (int(text) if known else None), True
    return None, False
