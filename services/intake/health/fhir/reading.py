"""Resources of FHIR R4 to records: which are used, and what they say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from services.intake.health.fhir.bundles import Together, patient_of
from services.intake.health.fhir.diagnosing import said_of_condition, said_of_encounter
from services.intake.health.fhir.observing import lines_of, said_of_observation, said_of_report
from services.intake.health.fhir.resources import READ_FOR_OTHERS, Entry, common_of
from services.intake.health.fhir.telling import find_told_together
from services.intake.health.fhir.vaccinating import said_of_immunization
from services.intake.health.items import Item, Translated, Unused
from services.intake.health.saying import details_of, taken_back
from services.intake.health.sources import Source
from services.intake.problems import Problem

Saying = Callable[[Entry, Together, Source], Iterator[Item | Unused]]


def translate(entries: Sequence[Entry], source: Source) -> list[Translated]:
    """What each entry says; nothing for those that could not be read."""
    together = Together(entries)
    find_told_together(together, lambda entry: lines_of(entry, source))
    return [list(_said(entry, together, source)) if not entry.problems else [] for entry in entries]


def _said(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    say = _SAYERS.get(entry.type)
    if say is None:
        yield from _not_used(entry, together, source)
    elif entry.is_deleted:
        yield from _gone(entry, list(say(entry, together, source)))
    else:
        yield from say(entry, together, source)


def _gone(entry: Entry, said: Translated) -> Iterator[Item | Unused]:
    """What its server has deleted may never have been told here."""
    items = [each._replace(only_if_known=True) for each in said if isinstance(each, Item)]
    if items:
        yield taken_back(entry.place)
    yield from items or said


def _of_patient(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    if entry.is_deleted:  # the person is still there
        yield from _not_used(entry, together, source)
        return
    patient = patient_of(entry.resource, entry.place, source)
    yield details_of(common_of(entry.resource, source), f"patient/{patient.person_ref}", patient, entry.place)


def _not_used(entry: Entry, together: Together, source: Source) -> Iterator[Item | Unused]:
    """Read for what others say of it, or of no use by itself."""
    yield Unused(entry.place, Problem("", "resource_not_used"))


_SAYERS: dict[str, Saying] = {
    "Patient": _of_patient,
    "Observation": said_of_observation,
    "DiagnosticReport": said_of_report,
    "Condition": said_of_condition,
    "Encounter": said_of_encounter,
    "Immunization": said_of_immunization,
    **dict.fromkeys(READ_FOR_OTHERS, _not_used),
}
