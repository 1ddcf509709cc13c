"""Log -> fence -> state: real consumers over every log that the producing side may write, one lane.

`producing` shows what a log is: each record is the next number or a repeat of one seen. After a restore of the
producer's database a new epoch begins at number 1, and late records of an old epoch may still trail in.

Two consumer processes read it. Each fetches from the stored position, or from anywhere (a jump: a seek that failed, an
escaped exception, a reset offset); commits what it fetched through the fence, however late, even when the other was
given the lane long ago; or dies. The claim: what they apply is at every instant the beginning of what one undisturbed
reader would apply, and all of it at rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tests.chassis.models.search import Failure, Found, Step, search


class Number(NamedTuple):
    epoch: int
    number: int


Log = tuple[Number, ...]


class Position(NamedTuple):
    """A row of `positions`: the offset to read next, and the last number applied."""

    next_offset: int = 0
    last: Number = Number(0, 0)


class Judged(NamedTuple):
    position: Position
    taken: Log


Fence = Callable[[Position, int, Log], Judged]  # the stored position, the offset of a batch's first record, the batch


def designed(stored: Position, offset: int, batch: Log) -> Judged:
    """The protocol's fence."""
    if offset > stored.next_offset:
        return Judged(stored, ())  # records in between were never read: take nothing, seek to the stored offset
    return by_number(stored, offset, batch)


def by_number(stored: Position, offset: int, batch: Log, *, gaps: bool = False) -> Judged:
    """Take the next number, drop one seen, stop at a gap. Weak alone: a jump onto a repeat shows no gap."""
    last, taken = stored.last, list[Number]()
    end = stored.next_offset
    for at, (epoch, number) in enumerate(batch, offset):
        following = 1 if epoch > last.epoch else last.number + 1
        if epoch < last.epoch or (epoch == last.epoch and number <= last.number):
            pass
        elif number == following or gaps:
            last = Number(epoch, number)
            taken.append(last)
        else:
            break
        end = max(end, at + 1)
    return Judged(Position(end, last), tuple(taken))


def gaps_allowed(stored: Position, offset: int, batch: Log) -> Judged:
    """Weak: drops repeats, and lets a gap through."""
    return by_number(stored, offset, batch, gaps=True)


def by_offset(stored: Position, offset: int, batch: Log) -> Judged:
    """Weak: what lies at a new offset is new."""
    taken = batch[max(stored.next_offset - offset, 0) :]
    return Judged(Position(max(stored.next_offset, offset + len(batch)), stored.last), taken)


def no_fence(stored: Position, offset: int, batch: Log) -> Judged:
    """Weak: the broker's bookkeeping alone."""
    return Judged(Position(max(stored.next_offset, offset + len(batch)), stored.last), batch)


def undisturbed(log: Log) -> Log:
    """What one reader without faults applies: each record when it first comes, unless a later epoch has begun."""
    return tuple(
        record for at, record in enumerate(log) if record not in log[:at] and record.epoch == max(log[: at + 1]).epoch
    )


def logs(longest: int, epochs: int) -> Iterator[Log]:
    """Every log of at most `longest` records and `epochs` epochs."""

    def grown(log: Log, tops: tuple[int, ...]) -> Iterator[Log]:
        """tops: the highest number of each epoch so far."""
        yield log
        if len(log) == longest:
            return
        for epoch, top in enumerate(tops, 1):
            for number in range(1, top + 2):
                higher = (*tops[: epoch - 1], max(top, number), *tops[epoch:])
                yield from grown((*log, Number(epoch, number)), higher)
        if len(tops) < epochs:
            yield from grown((*log, Number(len(tops) + 1, 1)), (*tops, 1))

    return grown((), ())


class Fetched(NamedTuple):
    """Offsets of a batch that a consumer holds: start to end, the end not included."""

    start: int
    end: int


class World(NamedTuple):
    """consumers: what each of the two holds, in no order; None: nothing."""

    jumps: int
    position: Position = Position()
    applied: Log = ()
    consumers: tuple[Fetched | None, ...] = (None, None)

    def with_consumer(self, at: int, fetched: Fetched | None) -> World:
        """Consumers are alike, so their order is forgotten: fewer states."""
        both = (*self.consumers[:at], fetched, *self.consumers[at + 1 :])
        return self._replace(consumers=tuple(sorted(both, key=lambda one: one or (-1, -1))))


@dataclass(frozen=True)
class Consuming:
    fence: Fence
    log: Log
    jumps: int

    @cached_property
    def claim(self) -> Log:
        return undisturbed(self.log)

    def search(self) -> Found:
        return search(World(self.jumps), self.steps, self.broken, self.unfinished)

    def steps(self, world: World) -> Iterator[Step[World]]:
        for at, fetched in enumerate(world.consumers):
            if fetched is None:
                yield from self._fetches(world, at)
            else:
                yield self._commit(world, at, fetched)
                yield Step("a consumer dies", world.with_consumer(at, None), progress=False)

    def broken(self, world: World) -> Failure | None:
        if len(set(world.applied)) < len(world.applied):
            return Failure.DOUBLED
        return None if world.applied == self.claim[: len(world.applied)] else Failure.LOST

    def unfinished(self, world: World) -> Failure | None:
        return None if world.applied == self.claim else Failure.LOST

    def _fetches(self, world: World, at: int) -> Iterator[Step[World]]:
        start = world.position.next_offset
        for end in range(start + 1, len(self.log) + 1):
            yield Step(f"a consumer fetches {start}-{end - 1}", world.with_consumer(at, Fetched(start, end)))
        if world.jumps:
            for other in set(range(len(self.log))) - {start}:
                jumped = world.with_consumer(at, Fetched(other, len(self.log)))._replace(jumps=world.jumps - 1)
                yield Step(f"a consumer jumps to {other} and fetches all", jumped, progress=False)

    def _commit(self, world: World, at: int, fetched: Fetched) -> Step[World]:
        batch = self.log[fetched.start : fetched.end]
        position, taken = self.fence(world.position, fetched.start, batch)
        done = world.with_consumer(at, None)._replace(position=position, applied=world.applied + taken)
        return Step(f"a consumer commits {fetched.start}-{fetched.end - 1}", done)


def search_all(fence: Fence, *, longest: int, epochs: int, jumps: int) -> tuple[Log, Found]:
    """Search over every log, short ones first; the log that failed and how, or the last one and all states together."""
    states = rests = 0
    log: Log = ()
    for log in sorted(logs(longest, epochs), key=len):
        found = Consuming(fence, log, jumps).search()
        if found.failure is not None:
            return log, found
        states, rests = states + found.states, rests + found.rests
    return log, Found(None, states, rests, ())
