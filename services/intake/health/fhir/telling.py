"""Which observations are told together, and by what: a report, a panel, or the first of those under one number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from services.intake.health.fhir.bundles import Together
from services.intake.health.fhir.resources import Entry, listed, name_of

WITHDRAWN = ("entered-in-error", "cancelled")

IsOfUse = Callable[[Entry], object]
"""Whether an observation says anything of use here."""


def find_told_together(together: Together, is_of_use: IsOfUse) -> None:
    """Note for each observation what tells it, and for each teller what it tells."""
    reports, observations = together.of_type("DiagnosticReport"), together.of_type("Observation")
    # A report that stands has the last word on what another one withdrew.
    for report in sorted(reports, key=lambda each: not is_withdrawn(each)):
        _note_report(report, list(filter(is_of_use, results_of(report, together))), together)
    for panel in filter(is_panel, observations):
        members = [each for each in results_of(panel, together) if is_of_use(each)]
        _note(panel, [each for each in members if each.place not in together.told_by], together)
    together.ambiguous |= set(_of_several(reports)) | set(_of_several(observations))
    for told in _of_one_number(each for each in observations if each.place not in together.told_by and is_of_use(each)):
        _note(next((each for each in told if not is_withdrawn(each)), told[0]), told, together)


def is_withdrawn(entry: Entry) -> bool:
    return entry.resource.get("status") in WITHDRAWN


def is_panel(entry: Entry) -> bool:
    """Whether an observation has no value but those of its members."""
    values = ("value", "interpretation", "component")
    return bool(listed(entry.resource, "hasMember")) and not any(name.startswith(values) for name in entry.resource)


def results_of(owner: Entry, together: Together) -> list[Entry]:
    """The observations that a report or a panel refers to and that are here, those of a panel in its place."""
    found = dict[str, Entry]()
    for each in _referred(owner, together):
        # Panels within panels are left out: they may go round in a circle.
        members = (member for member in _referred(each, together) if not is_panel(member))
        found |= {one.place: one for one in (members if is_panel(each) else [each]) if one.place != owner.place}
    return list(found.values())


def _referred(owner: Entry, together: Together) -> Iterator[Entry]:
    for reference in listed(owner.resource, "result" if owner.type == "DiagnosticReport" else "hasMember"):
        entry = together.referred(owner, reference)
        if entry is not None and entry.type == "Observation":
            yield entry


def _note_report(report: Entry, told: list[Entry], together: Together) -> None:
    """One result is told by itself, unless it stands within the report; a report that is withdrawn withdraws it."""
    if len(told) != 1 or told[0].place.startswith(f"{report.place}."):
        _note(report, told, together)
    elif is_withdrawn(report):
        together.annulled[told[0].place] = report
    else:
        together.annulled.pop(told[0].place, None)


def _note(teller: Entry, told: list[Entry], together: Together) -> None:
    inside = any(each.place.startswith(f"{teller.place}.") for each in told)
    if len(told) > 1 or inside:
        together.tells[teller.place] = told
        together.told_by |= {each.place: teller for each in told if each is not teller}


def _of_several(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Types and numbers under which resources without ids speak of several subjects."""
    whose = dict[tuple[str, str], set[str]]()
    for number, each in _numbered(entries):
        whose.setdefault((each.type, number), set()).add(_subject(each))
    return (named for named, subjects in whose.items() if len(subjects) > 1)


def _of_one_number(observations: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Those of one subject without ids of their own that bear one number, as a laboratory numbers the sample."""
    alike = dict[tuple[str, str], list[Entry]]()
    for number, each in _numbered(observations):
        alike.setdefault((number, _subject(each)), []).append(each)
    return iter(alike.values())


def _numbered(entries: Iterable[Entry]) -> Iterator[tuple[str, Entry]]:
    for each in entries:
        if not each.resource.get("id") and (number := name_of(each.resource)):
            yield number, each


def _subject(entry: Entry) -> str:
    subject = entry.resource.get("subject") or {}
    return str(subject.get("reference") or subject.get("identifier") or "")
