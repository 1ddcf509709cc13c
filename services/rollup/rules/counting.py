"""Which statement counts for which subject, what that changes, and why: state and statements in, changes out.

A statement says which subjects it counts for; its newest revision holds. A subject counts once for an indicator: by the
earliest of its contributions (`Row` order). Every change of the counted one is a step of the figures, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from contracts.envelope import Event
from contracts.indicators import OF_FACT, contributions
from contracts.policy.days import day_of
from contracts.topics import OF_FACT as TOPIC_OF


class Reason(StrEnum):
    """Why a figure changed."""

    NEW = "new"
    LATE = "late"  # recorded after the reporting day
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    MOVED = "moved"  # to another division, or a derived state went on to the next
    MERGED = "merged"  # two ids turned out to mean one person, or not to after all


class Key(NamedTuple):
    """One subject of one indicator, in the order in which rows are locked."""

    subject_id: str
    indicator: str
    drill: bool


class Row(NamedTuple):
    """One contribution; the smallest of a subject's rows counts."""

    at: datetime
    statement: str
    day: date
    division: str


class Said(NamedTuple):
    """One event as rollup reads it. derived: said by a service, so a new revision is a new state, no correction."""

    statement: str
    revision: int
    withdrawn: bool
    derived: bool
    time: datetime
    rows: Mapping[Key, Row]


class Known(NamedTuple):
    """What is held of a statement: its revision, when the last one was recorded, the subjects it counts for.

    keys: as it names them, whoever turned out to be one person; each with its division, "" where they share one.
    """

    revision: int
    recorded_at: datetime
    keys: Mapping[Key, str]


class Step(NamedTuple):
    """A statement now says `row` of a subject (None: nothing any more)."""

    key: Key
    statement: str
    row: Row | None
    recorded_at: datetime
    because: Reason


class Held(NamedTuple):
    """A subject's contributions: the counted one, since when, and the others."""

    counted: Row | None
    since_at: datetime
    spares: tuple[Row, ...] = ()


class Change(NamedTuple):
    """The counted contribution of a subject was `before` and is `after`, as recorded at `recorded_at`."""

    key: Key
    before: Row | None
    after: Row | None
    recorded_at: datetime
    reason: Reason


def packed(keys: Mapping[Key, str]) -> bytes:
    """Keys in few bytes, their divisions only where not all are alike.

    NUL, which PostgreSQL takes in no text, cannot be in an id that was stored.
    """
    apart = len(set(keys.values())) > 1
    parts = [(key[0], key[1], "1" if key[2] else "0", *([place] if apart else [])) for key, place in keys.items()]
    return (_APART if apart else b"") + "\0".join(["\0".join(each) for each in parts]).encode()


def unpacked(keys: bytes) -> dict[Key, str]:
    """The keys in `packed` bytes, each with its division."""
    if keys.startswith(_APART):
        parts = iter(keys[1:].decode().split("\0"))
        return {Key(who, what, drill == "1"): place for who, what, drill, place in zip(*[parts] * 4, strict=True)}
    parts = iter(keys.decode().split("\0")) if keys else iter(())
    return {Key(who, what, drill == "1"): "" for who, what, drill in zip(*[parts] * 3, strict=True)}


_APART = b"\1"  # begins keys with divisions; no id does
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
NOTHING = Held(None, BEGINNING)


def read(event: Event[Any]) -> Said | None:
    """The event as rollup reads it; None when no indicator counts its fact."""
    fact = event.data
    if type(fact) not in OF_FACT:
        return None
    statement = f"{event.type} {fact.statement_id}"
    rows: dict[Key, Row] = {}
    for code, subject, day, at, division in contributions(event):
        key, row = Key(subject, code, event.drill), Row(at, statement, day, division)
        rows[key] = min(row, rows.get(key, row))  # a tube may name one person twice
    derived = TOPIC_OF[type(fact)].producer != "intake"
    return Said(statement, fact.revision, fact.withdrawn, derived, event.time, rows)


def as_said(key: Key) -> Key:
    """The subject as a statement names it: nobody turned out to be somebody else."""
    return key


def advance(
    known: Mapping[str, Known], said: Iterable[Said], counted_at: Callable[[Key], Key] = as_said
) -> tuple[dict[str, Known], list[Step]]:
    """Events in the order read: lower and equal revisions are ignored, each newer one is taken.

    known: what is held of the statements, none for those never met. counted_at: the subject at which what is said of
    one counts. Returns the statements that went on, and the steps.
    """
    went_on: dict[str, Known] = {}
    steps: list[Step] = []
    for one in said:
        before = went_on.get(one.statement) or known.get(one.statement)
        if before is None:
            after = Known(one.revision, one.time, _divisions(one))
            rows = _counted_rows(one, counted_at)
            steps += [Step(key, one.statement, row, one.time, Reason.NEW) for key, row in rows.items()]
        elif one.revision > before.revision:
            after = Known(one.revision, max(one.time, before.recorded_at), _divisions(one))
            steps += _restated({counted_at(key) for key in before.keys}, one, counted_at, after.recorded_at)
        else:
            continue
        went_on[one.statement] = after
    return went_on, steps


def _divisions(said: Said) -> dict[Key, str]:
    return {key: row.division for key, row in said.rows.items()}


def _counted_rows(said: Said, counted_at: Callable[[Key], Key]) -> Mapping[Key, Row]:
    """The rows at the subjects where they count; of two that meet at one, the smaller."""
    if counted_at is as_said:
        return said.rows
    rows: dict[Key, Row] = {}
    for named, row in said.rows.items():
        key = counted_at(named)
        rows[key] = min(row, rows.get(key, row))
    return rows


def _restated(before: Set[Key], said: Said, counted_at: Callable[[Key], Key], recorded_at: datetime) -> Iterable[Step]:
    left = Reason.WITHDRAWN if said.withdrawn else Reason.MOVED if said.derived else Reason.CORRECTED
    rows = _counted_rows(said, counted_at)
    for key in sorted(before - rows.keys()):
        yield Step(key, said.statement, None, recorded_at, left)
    for key, row in rows.items():
        entered = said.derived and key not in before
        yield Step(key, said.statement, row, recorded_at, Reason.NEW if entered else Reason.CORRECTED)


def fold(held: Held, steps: Sequence[Step]) -> tuple[Held, list[Change]]:
    """One subject's steps in order, and what each did to the counted contribution."""
    rows = {row.statement: row for row in (held.counted, *held.spares) if row is not None}
    counted, since_at = held.counted, held.since_at
    changes = []
    for step in steps:
        if step.row is None:
            rows.pop(step.statement, None)
        else:
            rows[step.statement] = step.row
        best = min(rows.values(), default=None)
        if best != counted:
            since_at = max(since_at, step.recorded_at)
            changes.append(Change(step.key, counted, best, since_at, _reason(counted, best, step, since_at)))
            counted = best
    spares = tuple(row for row in rows.values() if row != counted)
    return Held(counted, since_at, spares), changes


def _reason(before: Row | None, after: Row | None, step: Step, recorded_at: datetime) -> Reason:
    if step.because is Reason.WITHDRAWN:
        return Reason.WITHDRAWN
    if before and after and before.division != after.division:
        return Reason.MOVED
    if step.because is not Reason.NEW:
        return step.because
    if before or after is None:
        return Reason.CORRECTED  # an earlier statement on the same subject took the place
    return Reason.LATE if day_of(recorded_at) > after.day else Reason.NEW
