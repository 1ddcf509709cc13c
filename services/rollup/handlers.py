"""A batch, from its statements to the figures: what is plain goes in as it is, the rest is read, folded and kept; add.

Batches are counted one after the other, whatever replica reads them (`wait_for_turn`): what a batch has read stays true
until it commits. All SQL is set-based: its cost is that of the rows touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from contracts.divisions import Divisions
from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from contracts.exercise import both_worlds, named_id
from services.chassis.database import Tx
from services.chassis.merges import load_merged, save_merges
from services.rollup.gathering import Batch, Deltas, Part, Plain, pack
from services.rollup.rules import counting, joining, summing
from services.rollup.rules.counting import NOTHING, Change, Key, Said, Step
from services.rollup.rules.plain import divided
from services.rollup.store import figures, merges, places, statements, subjects


async def on_batch(batch: Batch, tx: Tx) -> list[Event[Any]]:
    """Take the batch whole; figures and history are the same however it is cut. Says nothing."""
    if batch:
        await statements.wait_for_turn(tx)
    for part in batch:
        changes = await _join(part, tx) if isinstance(part, Event) else await _count(part, tx)
        if past := summing.past_of(changes):
            await _add(Deltas.of(past), tx)
    return []


async def _count(part: Part, tx: Tx) -> list[Change]:
    """What is plain is inserted and added; the changes of the rest are given back."""
    plain, others = await _insert(part, tx)
    if plain.firsts:
        await _add(plain.deltas, tx)
    return await _recount(others, tx)


async def _insert(part: Part, tx: Tx) -> tuple[Plain, Sequence[Said]]:
    """What went in, and the rest. Subjects are looked for only where some was met before."""
    told, joined = part.told, set[Key]()
    if await merges.any_stand(tx):
        merged = await merges.load_bearing_on(tx, joining.named_by(told))
        told, joined = joining.apart(told, joining.counting_at(merged))
    held = await statements.find_held(tx, part.names)
    plain, others = part.plain, part.others
    if held or joined:
        firsts, others = divided(told, held, joined)
        plain = await pack(firsts)
    if plain.firsts and not await subjects.insert(tx, plain.rows):
        lone, met = await subjects.find_met(tx, plain.firsts)
        firsts, others = divided(told, held | lone, met | joined)
        plain = await pack(firsts)
        if firsts and not await subjects.insert(tx, plain.rows):
            raise AssertionError("a subject met before was not found: two batches at once")
    return plain, others


async def _recount(said: Sequence[Said], tx: Tx) -> list[Change]:
    """Reads what is held of these statements and of their subjects, works out what counts now, and keeps it."""
    if not said:
        return []
    known = await statements.load(tx, [one.statement for one in said])
    counted_at: Callable[[Key], Key] = counting.as_said
    if await merges.any_stand(tx):
        before = {joining.person_of(key) for one in known.values() for key in one.keys}
        counted_at = joining.counting_at(await merges.load_bearing_on(tx, before | joining.named_by(said)))
    went_on, steps = counting.advance(known, said, counted_at)
    await statements.save(tx, went_on)
    return await _take(steps, tx)


async def _join(event: Event[PersonsMerged], tx: Tx) -> list[Change]:
    return [change for each in both_worlds(event) for change in await _regroup(each, tx)]


async def _regroup(event: Event[PersonsMerged], tx: Tx) -> list[Change]:
    """Two ids mean one person, or not after all: everything of theirs counts where it belongs now."""
    before = await load_merged(tx, (event.data.person_id, event.data.other_id))
    people = before.everybody((event.data.person_id, event.data.other_id))
    await save_merges(tx, [event])
    after = await load_merged(tx, people)
    were = {named_id(before.kept(each), drill=event.drill) for each in after.everybody(people)}
    keys = await subjects.find_of(tx, were, event.drill)
    if not keys:
        return []
    await statements.stand_alone(tx, keys)
    held = await subjects.load(tx, keys)
    rows = [row for one in held.values() for row in (one.counted, *one.spares) if row is not None]
    known = await statements.load(tx, {row.statement for row in rows})
    return await _take(joining.regrouped(held, known, before, after, event.time), tx)


async def _take(steps: Sequence[Step], tx: Tx) -> list[Change]:
    """What the steps do to what counts at each subject, kept."""
    by_key: defaultdict[Key, list[Step]] = defaultdict(list)
    for step in steps:
        by_key[step.key].append(step)
    if not by_key:
        return []
    await statements.stand_alone(tx, by_key)
    held = await subjects.load(tx, by_key)
    folded = {key: counting.fold(held.get(key, NOTHING), ones) for key, ones in by_key.items()}
    await subjects.save(tx, {key: after for key, (after, changes) in folded.items() if changes or key not in held})
    await subjects.save_spares(tx, held, {key: after for key, (after, _) in folded.items()})
    return [change for _, changes in folded.values() for change in changes]


async def _add(deltas: Deltas, tx: Tx) -> None:
    """Add the changes to the figures of both trees and to the history."""
    await places.add_places(tx, deltas.villages, Divisions.load())
    await figures.add_figures(tx, deltas.sums)
    await figures.add_history(tx, deltas.history)
