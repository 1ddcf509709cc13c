"""Who holds a lead, since when, and what became of it, read straight from the records.

The story leaves no two steps of a lead at one instant and none to a division that does not hold it; so no rule is
needed here for either (StoryError).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.sample.truth.book import Book, Said, StoryError

STEPS_OF_LEADS = ("lead-landed", "lead-not-found", "lead-passed-on", "lead-closed")
Lead = tuple[str, str]
"""The feed and the source_id of what told of it."""


@dataclass(slots=True)
class Held:
    """A division's time with a lead. begun_by: what gave it; known_at: when that was received."""

    person: str
    source: str
    begun_by: Lead
    division: str
    since_at: datetime
    known_at: datetime
    answered_at: datetime | None = None


def leads_held(book: Book) -> Iterator[Held]:
    """Every division's time with every lead that is not withdrawn. Raises StoryError."""
    done = _steps(book)
    for lead, said in _standing(book, "lead"):
        source = str(said.record["source"])
        held = Held(said.who, source, lead, said.record["division_code"], said.at("received_at"), said.known_at)
        for of, step in done.get(lead, ()):
            at = step.at("done_at")
            if step.record["division_code"] != held.division or at <= held.since_at:
                raise StoryError(f"{step.record} is not of who holds the lead then: {held}")
            held.answered_at = held.answered_at or at
            if step.record["kind"] == "lead-passed-on":
                yield held
                held = Held(held.person, source, of, step.record["to_division_code"], at, step.known_at)
        yield held


def followed(book: Book) -> Iterator[tuple[str, str]]:
    """What became of each lead, once each, and where: a kind of record and a division."""
    yield from (("lead", said.record["division_code"]) for said in book.of("lead"))
    for steps in _steps(book).values():
        first = {step.record["kind"]: step.record["division_code"] for _, step in reversed(steps)}
        yield from first.items()


def _steps(book: Book) -> Mapping[Lead, Sequence[tuple[Lead, Said]]]:
    """What was done about each, in the order in which it was done."""
    done = defaultdict[Lead, list[tuple[Lead, Said]]](list)
    for kind in STEPS_OF_LEADS:
        for own, said in _standing(book, kind):
            lead = said.record["lead"]
            done[lead["feed"], lead["source_id"]].append((own, said))
    for steps in done.values():
        steps.sort(key=lambda step: step[1].at("done_at"))
        instants = [step.at("done_at") for _, step in steps]
        if len(set(instants)) < len(instants):
            raise StoryError(f"two things are done about a lead at one instant: {steps}")
    return done


def _standing(book: Book, kind: str) -> Iterator[tuple[Lead, Said]]:
    statements = book.kinds.get(kind, {}).items()
    return ((own, said) for own, said in statements if not said.record.get("withdrawn"))
