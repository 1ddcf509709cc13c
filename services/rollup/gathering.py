"""A batch made ready for the database before its turn: read, divided, packed and summed, by looking at nothing kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.divisions import Divisions, Level
from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from services.chassis.ahead import AT_ONCE
from services.rollup.rules import summing
from services.rollup.rules.counting import Said
from services.rollup.rules.plain import First, Told, divided
from services.rollup.rules.screenings import Screened, read
from services.rollup.rules.summing import Own, Past
from services.rollup.store.copying import as_copy, as_json, copied_counted, copied_history


@dataclass(frozen=True)
class Deltas:
    """What is added to the figures. villages: where something was recorded, cut at the village; history: as copied."""

    sums: Mapping[Own, tuple[int, int]]
    villages: Sequence[str]
    history: memoryview

    @classmethod
    def of(cls, past: Mapping[Past, int]) -> Deltas:
        """The changes of the history, and what follows for the figures."""
        sums = summing.summed(past, Divisions.load())
        return cls(sums, sorted({key[0][: Level.VILLAGE] for key in past}), as_copy(copied_history(past)))


@dataclass(frozen=True)
class Plain:
    """Statements that meet nothing else of the batch. rows: as copied, none of them known yet."""

    firsts: Sequence[First]
    rows: memoryview
    deltas: Deltas


@dataclass(frozen=True)
class Part:
    """Statements between two merges. names: of all, as JSON; plain and others: what is plain if none is known."""

    told: Sequence[Told]
    names: str
    plain: Plain
    others: Sequence[Said]


Batch = Sequence[Part | Event[PersonsMerged]]


async def gather(events: Sequence[Event[Any] | Screened]) -> Batch:
    """Takes a while, with pauses in which all else goes on."""
    heard: list[Told | Event[PersonsMerged]] = []
    for at in range(0, len(events), AT_ONCE):
        heard += [one for one in map(read, events[at : at + AT_ONCE]) if one is not None]
        await asyncio.sleep(0)
    return [part if isinstance(part, Event) else await _part(part) for part in _parts(heard)]


def _parts(heard: Sequence[Told | Event[PersonsMerged]]) -> Iterator[Sequence[Told] | Event[PersonsMerged]]:
    """Merges one by one, and all that lies between them."""
    begin = 0
    for at, one in [(at, one) for at, one in enumerate(heard) if isinstance(one, Event)]:
        if begin < at:
            yield heard[begin:at]  # type: ignore[misc] # no merge lies there
        yield one
        begin = at + 1
    if begin < len(heard):
        yield heard[begin:]  # type: ignore[misc]


async def _part(told: Sequence[Told]) -> Part:
    firsts, others = divided(told)
    await asyncio.sleep(0)
    return Part(told, as_json([one.statement for one in told]), await pack(firsts), others)


async def pack(firsts: Sequence[First]) -> Plain:
    """These as they go in."""
    rows = copied_counted(firsts)
    await asyncio.sleep(0)
    past = summing.past_of_firsts(firsts)
    await asyncio.sleep(0)
    return Plain(firsts, as_copy(rows), Deltas.of(past))
