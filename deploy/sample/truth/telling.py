"""Who is told at which step: everything for one post at one instant is one message.

Step by step: what is told when the clock is set, before the step's records are read, must be the same as when they are
read first. `tell` raises StoryError where it is not, so the truth does not hang on who is quicker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from deploy.sample.mail import Mail, Sent
from deploy.sample.posts import command_line
from deploy.sample.steps import STEPS, step_at
from deploy.sample.truth.book import Book, StoryError, who
from deploy.sample.truth.care import Slot, owed_slots
from deploy.sample.truth.clocks import ClockKey, Clocks, clocks_of
from deploy.sample.truth.contacts import Exposed, exposed_people
from deploy.sample.truth.leads import STEPS_OF_LEADS

_STIRS_CLOCKS_ALONE = {"case-report", "lead", *STEPS_OF_LEADS}
_ALWAYS_NEWS = {"exposure", "case-finding", "case-classification", *_STIRS_CLOCKS_ALONE}
Message = tuple[int, str]
"""The index of a step, and a post."""


@dataclass
class Told:
    """All of it, at rest. messages: items of each message."""

    book: Book = field(default_factory=Book)
    exposed: dict[str, Exposed] = field(default_factory=dict)
    clocks: Clocks = field(default_factory=dict)
    messages: Counter[Message] = field(default_factory=Counter)
    missed: list[Slot] = field(default_factory=list)
    ever: dict[str, None] = field(default_factory=dict)


def tell(mail: Mail) -> Told:
    """Play the whole mail. Raises StoryError."""
    told = Told()
    rungs: Counter[ClockKey] = Counter()
    placed: set[str] = set()
    for step, received in enumerate(mail.by_step()):
        before = _owed(told.clocks, rungs, STEPS[step])
        news = {sent.kind for sent in received if _is_news(sent, placed)}
        for sent in received:
            told.book.take(sent)
        if news - _STIRS_CLOCKS_ALONE:
            told.exposed = exposed_people(told.book)
            told.ever |= dict.fromkeys(told.exposed)
        if news:
            told.clocks = clocks_of(told.book, told.exposed, told.clocks)
        after = _owed(told.clocks, rungs, STEPS[step])
        if before != after:
            raise StoryError(f"at {STEPS[step]} it matters whether posts are told first: {set(before) ^ set(after)}")
        for key, posts in after.items():
            rungs[key] += len(posts)
            told.messages.update((step, post) for post in posts)
    _tell_visits(told)
    return told


def _is_news(sent: Sent, placed: set[str]) -> bool:
    """Whether contacts or clocks may change. placed: who has a first placement already; a later one stops nothing."""
    if sent.kind == "placement":
        first = who(sent.record) not in placed
        placed.add(who(sent.record))
        return first or bool(sent.record["mode"] == "hospital")
    return sent.kind in _ALWAYS_NEWS or (sent.kind == "test" and sent.record["result"] == "positive")


def _owed(clocks: Clocks, rungs: Counter[ClockKey], now: datetime) -> dict[ClockKey, tuple[str, ...]]:
    """The posts to be told now of each clock. rungs: how many of each clock have been told."""
    owed = {
        key: tuple(clock.posts[rung] for rung in clock.rungs_told(now)[rungs[key] :]) for key, clock in clocks.items()
    }
    return {key: posts for key, posts in owed.items() if posts}


def _tell_visits(told: Told) -> None:
    """A half day without a check is told when it is over; two in a row to the next post as well."""
    made = _visits(told.book)
    missed_then: dict[tuple[str, datetime], Slot] = {}
    for slot in sorted(owed_slots(told.book), key=lambda slot: (slot.end, slot.placement_id)):
        step = step_at(slot.end)
        step += STEPS[step] == slot.end
        checks = made.get((slot.person, slot.begin), ())
        if STEPS[step] in checks:
            raise StoryError(f"{slot} is checked at the very step at which it is missed: let it be received later")
        if checks and min(checks) < STEPS[step]:
            continue
        line = command_line(told.book.homes[slot.person])
        told.messages[step, line[0]] += 1
        if (slot.placement_id, slot.begin) in missed_then:
            told.messages[step, line[1]] += 1
        missed_then[slot.placement_id, slot.end] = slot
        if not checks:
            told.missed.append(slot)


def _visits(book: Book) -> dict[tuple[str, datetime], list[datetime]]:
    """When checks were received, by person and the beginning of the half day in which they were made."""
    made: dict[tuple[str, datetime], list[datetime]] = {}
    for said in book.of("visit"):
        at = said.at("visited_at")
        begin = at.replace(hour=at.hour // 12 * 12, minute=0)
        made.setdefault((said.who, begin), []).append(said.known_at)
    return made


def digests(told: Told) -> Iterator[tuple[str, str, int]]:
    """At, post, items: in the order of time."""
    for (step, post), items in sorted(told.messages.items()):
        yield STEPS[step].isoformat(), post, items
