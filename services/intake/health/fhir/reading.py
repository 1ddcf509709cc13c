"""Resources of FHIR R4 to records: which are used, and what they say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from contracts.events.cases import Classification
from services.intake.health.fhir.bundles import Together, patient_of, subject_of
from services.intake.health.fhir.observing import find_reported, said_of_observation, said_of_report
from services.intake.health.fhir.resources import Entry, code_in, common_of, concept, time_of
from services.intake.health.items import Item, Translated, Unused
from services.intake.health.saying import (
    COVID,
    details_of,
    finding_of,
    first_of,
    no_finding,
    to_the_minute,
    unused_diagnosis,
)
from services.intake.health.sources import Source
from services.intake.problems import Problem

_UNSURE = ("unconfirmed", "provisional", "differential")

Saying = Callable[[Entry, Together, Source], Iterator[Item | Unused]]


def translate(entries: Sequence[Entry], source: Source) -> list[Translated]:
    """What each entry says; nothing for those that could not be read."""
    together = Together(entries)
    find_reported(together, source)
    return [list(_said(entry, together, source)) if not entry.problems else [] for entry in entries]


def _said(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    say = _SAYERS.get(entry.type)
    if say is None:
        yield Unused(entry.place, Problem("", "resource_not_used"))
    else:
        yield from say(entry, together, source)


def _of_patient(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    patient = patient_of(entry.resource, entry.place, source)
    yield details_of(common_of(entry.resource, source), f"patient/{patient.person_ref}", patient, entry.place)


def _of_condition(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """Unsure is suspected, refuted is excluded, entered in error is withdrawn."""
    condition, place = entry.resource, entry.place
    diagnosis = source.codes.diagnosis(concept(condition.get("code")))
    common, patient = common_of(condition, source), subject_of(condition, place, together, source)
    times = list(time_of(condition, place, source, "recordedDate", "meta.lastUpdated", "onsetDateTime"))
    name = condition.get("id") or f"{patient.person_ref}/{times[0].text if times else ''}"
    status = code_in(condition.get("verificationStatus"))
    if diagnosis is None or diagnosis.disease != COVID:
        yield unused_diagnosis(diagnosis, place)
    elif status == "entered-in-error":
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


def _not_used(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """Read for what others say of it, or of no use: there is no record of a stay or of a vaccination."""
    yield Unused(entry.place, Problem("", "resource_not_used"))


_SAYERS: dict[str, Saying] = {
    "Patient": _of_patient,
    "Observation": said_of_observation,
    "DiagnosticReport": said_of_report,
    "Condition": _of_condition,
    "Encounter": _not_used,
    "Immunization": _not_used,
    "Specimen": _not_used,
}
