"""Outbox -> relay -> log, one lane. The fence stands straight on the log: `consuming` shows why that is enough.

What the designed protocol does:

    transaction   locks its key's row, inserts its event into the outbox, commits; inserted first may commit last
    relay, 1      one transaction: if its plan was answered and `last` is still what it was published from, delete the
                  plan's rows and raise `last`; if no plan is stored, store the first rows by id as one; read the plan
    relay, 2      send the plan as one request, numbered last+1 ..., and wait; no answer: the same again, same numbers
    fence         takes the number after its last, drops a number seen, stops at a gap

What may go wrong: two relays at once without any lock, each killed or paused at any instant; a request without an
answer, which lands at any later time, or never; a transaction that aborts and is tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from tests.chassis.models.search import Failure, Found, Step, search


class Numbered(Enum):
    """When an event gets its number."""

    WHEN_PLANNED = "stored before anything is sent"
    WHEN_INSERTED = "weak: a later number may commit first"
    IN_MEMORY = "weak: a killed relay forgets the numbers that it gave"


class Fence(Enum):
    NUMBERS = "the next number is taken, one seen is dropped, a gap stops the lane"
    REPEATS = "weak: a gap is let through"
    OFFSETS = "weak: every new offset of the log is taken"


@dataclass(frozen=True)
class Protocol:
    """As designed; each other value is a weaker form."""

    numbered: Numbered = Numbered.WHEN_PLANNED
    fence: Fence = Fence.NUMBERS
    requests_unanswered: int = 1  # 2: the next one leaves before the first is answered
    checks_last: bool = True  # False: an answer clears whatever plan is stored by then
    locks_key: bool = True  # False: two transactions on one key side by side


@dataclass(frozen=True)
class Bounds:
    """keys: the key of each event, in the order in which they are said. The others: how many times each may happen."""

    keys: str = "aba"
    relays: int = 2
    kills: int = 1
    timeouts: int = 1
    aborts: int = 0
    most_rows: int = 2


class Row(IntEnum):
    UNSAID = 0
    OPEN = 1  # inserted, not committed
    WAITING = 2
    GONE = 3  # deleted


class Record(NamedTuple):
    number: int
    event: int


Request = tuple[Record, ...]


class Relay(NamedTuple):
    """What one relay remembers: the `last` it published from, records to send, requests out, records answered."""

    since: int = -1
    to_send: Request = ()
    out: tuple[Request, ...] = ()
    answered: Request = ()


IDLE = Relay()


class World(NamedTuple):
    """rows, ids (events in the order of their ids), last and plan: PostgreSQL; adrift: requests nobody waits for."""

    rows: tuple[Row, ...]
    relays: tuple[Relay, ...]
    kills: int
    timeouts: int
    aborts: int
    ids: tuple[int, ...] = ()
    last: int = 0
    plan: tuple[int, ...] = ()
    adrift: tuple[Request, ...] = ()
    fence_last: int = 0
    applied: tuple[int, ...] = ()
    stopped: bool = False

    def with_row(self, event: int, row: Row) -> World:
        return self._replace(rows=(*self.rows[:event], row, *self.rows[event + 1 :]))

    def with_relay(self, at: int, relay: Relay) -> World:
        """Relays are alike, so their order is forgotten: fewer states."""
        return self._replace(relays=tuple(sorted((*self.relays[:at], relay, *self.relays[at + 1 :]))))

    def with_adrift(self, *requests: Request) -> World:
        return self._replace(adrift=tuple(sorted((*self.adrift, *requests))))


@dataclass(frozen=True)
class Producing:
    protocol: Protocol
    bounds: Bounds

    def search(self) -> Found:
        events = len(self.bounds.keys)
        relays = (IDLE,) * self.bounds.relays
        start = World((Row.UNSAID,) * events, relays, self.bounds.kills, self.bounds.timeouts, self.bounds.aborts)
        return search(start, self.steps, self.broken, self.unfinished)

    def steps(self, world: World) -> Iterator[Step[World]]:
        for event in range(len(self.bounds.keys)):
            yield from self._transaction(world, event)
        for at, relay in enumerate(world.relays):
            if relay not in world.relays[:at]:
                yield from self._relay(world, at, relay)
        for request in set(world.adrift):
            at = world.adrift.index(request)
            rest = world._replace(adrift=world.adrift[:at] + world.adrift[at + 1 :])
            yield Step(f"a late request lands: {_said(request)}", self._landed(rest, request), progress=False)

    def broken(self, world: World) -> Failure | None:
        if len(set(world.applied)) < len(world.applied):
            return Failure.DOUBLED
        for key in set(self.bounds.keys):
            order = [event for event in world.applied if self.bounds.keys[event] == key]
            if order != sorted(order):
                return Failure.DISORDER
        if world.stopped:
            return Failure.STOPPED
        if any(row is Row.GONE and event not in world.applied for event, row in enumerate(world.rows)):
            return Failure.LOST
        return None

    def unfinished(self, world: World) -> Failure | None:
        """At rest every event is applied, and the books agree: the lane's last number is the fence's."""
        books = world.last == world.fence_last or self.protocol.numbered is not Numbered.WHEN_PLANNED
        return None if len(world.applied) == len(self.bounds.keys) and books else Failure.LOST

    def _transaction(self, world: World, event: int) -> Iterator[Step[World]]:
        keys, rows = self.bounds.keys, world.rows
        earlier = [row for other, row in enumerate(rows[:event]) if keys[other] == keys[event]]
        free = not self.protocol.locks_key or all(row >= Row.WAITING for row in earlier)
        if rows[event] is Row.UNSAID and free:
            yield Step(f"insert {event}", world.with_row(event, Row.OPEN)._replace(ids=(*world.ids, event)))
        if rows[event] is Row.OPEN:
            yield Step(f"commit {event}", world.with_row(event, Row.WAITING))
            if world.aborts:
                ids = tuple(other for other in world.ids if other != event)
                aborted = world.with_row(event, Row.UNSAID)._replace(ids=ids, aborts=world.aborts - 1)
                yield Step(f"abort {event}", aborted, progress=False)

    def _relay(self, world: World, at: int, relay: Relay) -> Iterator[Step[World]]:
        if not relay.to_send and not relay.out and (relay.answered or world.plan or Row.WAITING in world.rows):
            yield self._plan(world, at, relay)
        if relay.to_send and len(relay.out) < self.protocol.requests_unanswered:
            size = len(relay.to_send) if self.protocol.requests_unanswered == 1 else 1
            request, rest = relay.to_send[:size], relay.to_send[size:]
            yield Step(
                f"send {_said(request)}", world.with_relay(at, relay._replace(to_send=rest, out=(*relay.out, request)))
            )
        if relay.out:
            first, *others = relay.out
            waiting = relay._replace(out=tuple(others))
            answered = world.with_relay(at, waiting._replace(answered=relay.answered + first))
            yield Step(f"{_said(first)} is in the log and answered", self._landed(answered, first))
            if world.timeouts:
                again = world.with_relay(at, waiting._replace(to_send=tuple(sorted(first + relay.to_send))))
                unanswered = again.with_adrift(first)._replace(timeouts=world.timeouts - 1)
                yield Step(f"no answer to {_said(first)}", unanswered, progress=False)
        if world.kills and relay != IDLE:
            killed = world.with_relay(at, IDLE).with_adrift(*relay.out)._replace(kills=world.kills - 1)
            yield Step("the relay is killed", killed, progress=False)

    def _plan(self, world: World, at: int, relay: Relay) -> Step[World]:
        """The relay's transaction."""
        if relay.answered:
            world = self._forget(world, relay)
        waiting = [event for event in world.ids if world.rows[event] is Row.WAITING][: self.bounds.most_rows]
        if self.protocol.numbered is Numbered.WHEN_PLANNED:
            world = world._replace(plan=world.plan or tuple(waiting))
            records = [Record(number, event) for number, event in enumerate(world.plan, world.last + 1)]
        elif self.protocol.numbered is Numbered.IN_MEMORY:
            records = [Record(number, event) for number, event in enumerate(waiting, world.last + 1)]
        else:
            records = [Record(world.ids.index(event) + 1, event) for event in waiting]
        planned = Relay(world.last, tuple(records)) if records else IDLE
        return Step(f"a relay clears {_said(relay.answered)}, plans {_said(records)}", world.with_relay(at, planned))

    def _forget(self, world: World, relay: Relay) -> World:
        """Delete the rows that were answered."""
        gone = [record.event for record in relay.answered]
        last = max(world.last, relay.answered[-1].number)
        if self.protocol.numbered is Numbered.WHEN_PLANNED:
            if self.protocol.checks_last and world.last != relay.since:
                return world
            gone, last = list(world.plan), world.last + len(world.plan)
        rows = tuple(Row.GONE if event in gone else row for event, row in enumerate(world.rows))
        return world._replace(rows=rows, last=last, plan=())

    def _landed(self, world: World, request: Request) -> World:
        """The broker appends a request, and the fence reads it."""
        last, applied, stopped = world.fence_last, list(world.applied), world.stopped
        for number, event in request:
            if self.protocol.fence is not Fence.OFFSETS and number <= last:
                continue
            if self.protocol.fence is Fence.NUMBERS and number != last + 1:
                stopped = True
            if not stopped:
                last = number
                applied.append(event)
        return world._replace(fence_last=last, applied=tuple(applied), stopped=stopped)


def _said(records: Request | list[Record]) -> str:
    return " ".join(f"event {event} as {number}" for number, event in records) or "nothing"
