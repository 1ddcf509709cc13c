"""Condition and Encounter: findings of the disease, each as sure as it is said to be."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.events.cases import Classification
from services.intake.health.fhir.bundles import Together, subject_of
from services.intake.health.fhir.resources import Entry, Resource, code_in, common_of, concept, listed, name_of, time_of
from services.intake.health.items import Item, Unused
from services.intake.health.saying import (
    COVID,
    finding_of,
    first_of,
    id_of_visit,
    no_finding,
    no_longer,
    taken_back,
    to_the_minute,
    unused_diagnosis,
)
from services.intake.health.sources import Source
from services.intake.problems import Problem

_UNSURE = ("unconfirmed", "provisional", "differential")
_NO_VISIT = ("cancelled", "entered-in-error")


def said_of_condition(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """Unsure is suspected, refuted is excluded, entered in error is withdrawn."""
    condition, place = entry.resource, entry.place
    diagnosis = source.codes.diagnosis(concept(condition.get("code")))
    common, patient = common_of(condition, source), subject_of(condition, place, together, source)
    times = list(time_of(condition, place, source, "recordedDate", "meta.lastUpdated", "onsetDateTime"))
    name = condition.get("id") or f"{patient.person_ref}/{times[0].text if times else ''}"
    status = code_in(condition.get("verificationStatus"))
    if diagnosis is None or diagnosis.disease != COVID:
        gone = no_finding(common, f"Condition/{name}", place)
        yield from no_longer(gone, unused_diagnosis(diagnosis, place), named=condition.get("id"))
    elif status == "entered-in-error":
        yield taken_back(place)
        yield from no_finding(common, f"Condition/{name}", place)
    else:
        classification = diagnosis.classification
        if status in _UNSURE and classification == Classification.CONFIRMED:
            classification = Classification.SUSPECTED.value
        onset = next(time_of(condition, place, source, "onsetDateTime"), None)
        found = first_of(times)
        if status == "refuted":
            classification = Classification.EXCLUDED.value
            found = to_the_minute(sorted(times, key=lambda given: "meta" not in given.place))
        yield finding_of(common, f"Condition/{name}", patient, classification, found, place, onset)


def said_of_encounter(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """What somebody came for is what HL7's ADT calls an admitting diagnosis, under the same number of the visit.

    Diagnoses that it refers to are told by their own Conditions, which are corrected on their own.
    """
    encounter, place = entry.resource, entry.place
    common = common_of(encounter, source)
    source_id = id_of_visit(source.facility(_provider(encounter)), _visit(encounter))
    if encounter.get("status") in _NO_VISIT:
        yield taken_back(place)
        yield from no_finding(common, source_id, place)
        return
    if encounter.get("status") == "planned":
        yield Unused(place, Problem("", "visit_not_begun"))
        return
    reasons = [source.codes.diagnosis(concept(each)) for each in listed(encounter, "reasonCode")]
    known = [each for each in reasons if each is not None]
    found = next((each for each in known if each.disease == COVID), None)
    if found is not None:
        classification = found.classification
        if classification == Classification.CONFIRMED:
            classification = Classification.SUSPECTED.value
        times = list(time_of(encounter, place, source, "period.start", "meta.lastUpdated"))
        chosen = to_the_minute if classification == Classification.EXCLUDED else first_of
        patient = subject_of(encounter, place, together, source)
        yield finding_of(common, source_id, patient, classification, chosen(times), place)
    yield from (unused_diagnosis(each, place) for each in known if each.disease != COVID)
    if not known:
        by_reference = listed(encounter, "diagnosis") or listed(encounter, "reasonReference")
        yield Unused(place, Problem("", "told_by_conditions" if by_reference else "no_notifiable_diagnosis"))


def _visit(encounter: Resource) -> str:
    """The number of the visit (table 0203: VN), else the first number, else the resource's own id."""
    numbers = [each for each in listed(encounter, "identifier") if each.get("value")]
    visits = [each for each in numbers if code_in(each.get("type")) == "VN"]
    return next((str(each["value"]) for each in (*visits, *numbers)), f"encounter/{name_of(encounter) or ''}")


def _provider(encounter: Resource) -> str:
    provider = encounter.get("serviceProvider") or {}
    return str((provider.get("identifier") or {}).get("value") or provider.get("display") or "")
