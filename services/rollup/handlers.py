"""A batch, from its events to the figures: what is plain goes in as it is, the rest is read, folded and kept; add.

Batches are counted one after the other, whatever replica reads them (`wait_for_turn`): what a batch has read stays true
until it commits. All SQL is set-based: its cost is that of the rows touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from contracts.divisions import Divisions
from contracts.envelope import Event
from services.chassis.database import Tx
from services.rollup.rules import counting, summing
from services.rollup.rules.counting import NOTHING, Change, Key, Said, Step
from services.rollup.rules.plain import First, Told, divided
from services.rollup.rules.screenings import Screened, read
from services.rollup.store import figures, places, statements, subjects


async def on_batch(events: Sequence[Event[Any] | Screened], tx: Tx) -> list[Event[Any]]:
    """Take the batch whole; figures and history are the same however it is cut. Says nothing."""
    told = [one for one in map(read, events) if one is not None]
    if told:
        await statements.wait_for_turn(tx)
        firsts, others = await _insert(told, tx)
        changes = await _recount(others, tx) if others else []
        await _add(firsts, changes, Divisions.load(), tx)
    return []


async def _insert(told: Sequence[Told], tx: Tx) -> tuple[list[First], list[Said]]:
    """What is plain is inserted; the rest is given back. Subjects are looked for only where some was met before."""
    held = await statements.find_held(tx, [one.statement for one in told])
    firsts, others = divided(told, held)
    if firsts and not await subjects.insert(tx, firsts):
        lone, met = await subjects.find_met(tx, firsts)
        firsts, others = divided(told, held | lone, met)
        if firsts and not await subjects.insert(tx, firsts):
            raise AssertionError("a subject met before was not found: two batches at once")
    return firsts, others


async def _recount(said: Sequence[Said], tx: Tx) -> list[Change]:
    """Reads what is held of these statements and of their subjects, works out what counts now, and keeps it."""
    known = await statements.load(tx, [one.statement for one in said])
    went_on, steps = counting.advance(known, said)
    by_key: defaultdict[Key, list[Step]] = defaultdict(list)
    for step in steps:
        by_key[step.key].append(step)
    await statements.save(tx, went_on)
    if not by_key:
        return []
    await statements.stand_alone(tx, by_key)
    held = await subjects.load(tx, by_key)
    folded = {key: counting.fold(held.get(key, NOTHING), ones) for key, ones in by_key.items()}
    await subjects.save(tx, {key: after for key, (after, changes) in folded.items() if changes or key not in held})
    await subjects.save_spares(tx, held, {key: after for key, (after, _) in folded.items()})
    return [change for _, changes in folded.values() for change in changes]


async def _add(firsts: Iterable[First], changes: Iterable[Change], divisions: Divisions, tx: Tx) -> None:
    """Add the changes, summed, to the figures of both trees and to the history."""
    past = summing.past_deltas(firsts, changes)
    own = summing.own_deltas(past)
    await places.add_places(tx, {key[0] for key in past}, divisions)
    await figures.add_figures(tx, summing.summed(own, divisions))
    await figures.add_history(tx, past)
