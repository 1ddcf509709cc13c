"""What came as one body of FHIR: read, taken, answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic_core import to_json

from services.intake.door import BATCH, Door
from services.intake.health.fhir.answers import Outcome, outcome_of, refusal_of
from services.intake.health.fhir.reading import translate
from services.intake.health.fhir.resources import Entry, Resource, entries_of, revised
from services.intake.health.items import Answered, Item, Told, Translated, Unused
from services.intake.health.saying import Common, short_id
from services.intake.health.sources import Source
from services.intake.health.taking import MESSAGES, guarded, of_use, refuse
from services.intake.problems import Language, Refused
from services.intake.reading import Reading
from services.intake.rules.revisions import revision_in
from services.intake.sender import Sender
from services.intake.verdicts import Verdict


class Taken(NamedTuple):
    """The bundle's type ("" for a single resource), its entries and what became of each."""

    kind: str
    entries: Sequence[Entry]
    outcomes: Sequence[Outcome]


Part = tuple[Entry, Translated]


def read_fhir(body: bytes, source: Source) -> tuple[str, list[Part]]:
    """Each entry with what it says. Raises Refused; a fault of ours in one entry is that entry's alone."""
    kind, entries = guarded(lambda: entries_of(body))
    try:
        return kind, list(zip(entries, guarded(lambda: translate(entries, source)), strict=True))
    except Refused:
        return kind, [_alone(entry, source) for entry in entries]


def _alone(entry: Entry, source: Source) -> Part:
    try:
        return entry, guarded(lambda: translate([entry], source))[0]
    except Refused as refused:
        return Entry(entry.place, entry.resource, refused.problems), []


def readings_of(part: Part, source: Source, sender: Sender) -> list[Reading]:
    """What the door gets of an entry: its records, or the resource as it came with what is wrong."""
    entry, said = part
    if not entry.problems:
        return [each.reading(sender) for each in said if isinstance(each, Item)]
    resource = entry.resource if isinstance(entry.resource, dict) else {"unreadable": entry.resource}
    at = revision_in(Common(source, *revised(resource, source)).revision)
    return [Reading(to_json(resource), source.feed, _source_id(resource), None, entry.problems, sender, at=at)]


def _source_id(resource: Resource) -> str | None:
    """That of the record which the mended resource becomes, where it is known."""
    if not isinstance(resource.get("id"), str) or not resource["id"].isprintable():
        return None
    return short_id(f"{resource.get('resourceType')}/{resource['id']}".strip())


async def take_fhir(door: Door, body: bytes, source: Source, sender: Sender, language: Language) -> Taken:
    """Raises Refused, after the body was kept among the rejected ones."""
    try:
        kind, parts = read_fhir(body, source)
    except Refused as refused:
        await refuse(door, body, source, sender, refused)
        MESSAGES.labels(source.feed, "fhir", "refused").inc()
        raise
    useful = await of_use(door, [said for _, said in parts])
    parts = [(entry, said) for (entry, _), said in zip(parts, useful, strict=True)]
    readings = [readings_of(part, source, sender) for part in parts]
    flat = [each for own in readings for each in own]
    verdicts = iter(await _admit(door, flat, whole=kind == "transaction"))
    outcomes = []
    for (entry, said), own in zip(parts, readings, strict=True):
        outcomes.append(_outcome(entry, said, [next(verdicts) for _ in own], language))
        MESSAGES.labels(source.feed, "fhir", outcomes[-1].status[:3]).inc()
    return Taken(kind, [entry for entry, _ in parts], outcomes)


async def _admit(door: Door, readings: Sequence[Reading], *, whole: bool) -> list[Verdict]:
    """A transaction of FHIR is one of ours; others are cut, each piece after the one before."""
    if not readings:
        return []
    if whole:
        return await door.admit_whole(readings)
    pieces = (readings[start : start + BATCH] for start in range(0, len(readings), BATCH))
    return [verdict for piece in pieces for verdict in await door.admit_readings(piece)]


def _outcome(entry: Entry, said: Translated, verdicts: Sequence[Verdict], language: Language) -> Outcome:
    if entry.problems:
        return refusal_of(entry.problems, language)
    given = iter(verdicts)
    told: Told = [each if isinstance(each, Unused) else Answered(each, next(given)) for each in said]
    return outcome_of(told, language)
