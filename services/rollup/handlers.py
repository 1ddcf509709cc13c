"""A batch, from its events to the figures: lock the statements, lock the subjects, fold, add.

Every batch takes its locks in one order (statements, subjects, places, figures, history; each sorted), so that two
replicas wait for each other and never deadlock. All SQL is set-based: its cost is that of the rows touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from contracts.divisions import Divisions
from contracts.envelope import Event, Fact
from services.chassis.database import Tx
from services.rollup.rules import counting, summing
from services.rollup.rules.counting import NOTHING, Change, Held, Key, Said, Step
from services.rollup.store import figures, places, statements, subjects


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Fact]]:
    """Take the batch whole; figures and history are the same however it is cut. Says nothing."""
    said = [one for one in map(counting.read, events) if one is not None]
    if said:
        changes = await _count(await _advance(said, tx), tx)
        await _add(changes, Divisions.load(), tx)
    return []


async def _advance(said: Sequence[Said], tx: Tx) -> list[Step]:
    """What the batch's statements now say. First taken for new ones all; if some were known, worked out anew."""
    went_on, steps = counting.advance({}, said)
    known = await statements.insert_or_lock(tx, went_on)
    if known:
        went_on, steps = counting.advance(known, said)
        await statements.save(tx, {name: state for name, state in went_on.items() if name in known})
    return steps


async def _count(steps: Iterable[Step], tx: Tx) -> list[Change]:
    """Which contribution counts now. A subject never met is inserted; one that was is locked, read and folded."""
    by_key: defaultdict[Key, list[Step]] = defaultdict(list)
    for step in steps:
        by_key[step.key].append(step)
    folded = {key: counting.fold(NOTHING, ones) for key, ones in by_key.items()}
    met = await subjects.insert_or_lock(tx, {key: held for key, (held, _) in folded.items()})
    folded |= {key: counting.fold(held, by_key[key]) for key, held in met.items()}
    spares: dict[Key, Held] = {key: held for key, (held, _) in folded.items() if held.spares or key in met}
    await subjects.save(tx, {key: folded[key][0] for key in met if folded[key][1]})
    await subjects.save_spares(tx, {key: met.get(key, NOTHING).spares for key in spares}, spares)
    return [change for _, changes in folded.values() for change in changes]


async def _add(changes: Iterable[Change], divisions: Divisions, tx: Tx) -> None:
    """Add the changes, summed, to the figures of both trees and to the history."""
    own, past = summing.own_deltas(changes)
    await places.add_places(tx, {key[0] for key in own} | {key[0] for key in past}, divisions)
    await figures.add_figures(tx, summing.summed(own, divisions))
    await figures.add_history(tx, past)
