"""A batch, from its events to the figures: lock the statements, lock the subjects, fold, add.

Every batch takes its locks in one order (statements, subjects, places, figures, history; each sorted), so that two
replicas wait for each other and never deadlock. All SQL is set-based: its cost is that of the rows touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from contracts.divisions import Divisions
from contracts.envelope import Event
from services.chassis.database import Tx
from services.rollup.rules import counting, summing
from services.rollup.rules.counting import NOTHING, Change, Held, Key, Known, Reason, Said, Step
from services.rollup.rules.plain import divided
from services.rollup.rules.screenings import Screened, read
from services.rollup.rules.summing import First
from services.rollup.store import figures, places, statements, subjects


async def on_batch(events: Sequence[Event[Any] | Screened], tx: Tx) -> list[Event[Any]]:
    """Take the batch whole; figures and history are the same however it is cut. Says nothing."""
    said = [one for one in map(read, events) if one is not None]
    if said:
        plain, steps = await _advance(said, tx)
        await _add(*await _count(plain, steps, tx), Divisions.load(), tx)
    return []


async def _advance(said: Sequence[Said], tx: Tx) -> tuple[list[Said], list[Step]]:
    """New statements that touch no others, and what all the others now say.

    All are first taken for new ones; if some were known, those are worked out anew.
    """
    new = {one.statement: Known(one.revision, one.time, one.rows) for one in said}
    if len(new) < len(said):
        new, _ = counting.advance({}, said)
    known = await statements.insert_or_lock(tx, new)
    plain, others = divided(said, known)
    went_on, steps = counting.advance(known, others)
    await statements.save(tx, {name: state for name, state in went_on.items() if name in known})
    return plain, steps


async def _count(plain: Iterable[Said], steps: Iterable[Step], tx: Tx) -> tuple[list[First], list[Change]]:
    """Which contribution counts now. A subject never met is inserted; one that was is locked, read and folded."""
    by_key: defaultdict[Key, list[Step]] = defaultdict(list)
    for step in steps:
        by_key[step.key].append(step)
    folded = {key: counting.fold(NOTHING, ones) for key, ones in by_key.items()}
    lone = {key: (row, one.time) for one in plain for key, row in one.rows.items()}
    met = await subjects.insert_or_lock(tx, lone, {key: held for key, (held, _) in folded.items()})
    for key in met.keys() & lone.keys():
        row, time = lone.pop(key)
        by_key[key] = [Step(key, row.statement, row, time, Reason.NEW)]
    folded |= {key: counting.fold(held, by_key[key]) for key, held in met.items()}
    spares: dict[Key, Held] = {key: held for key, (held, _) in folded.items() if held.spares or key in met}
    await subjects.save(tx, {key: folded[key][0] for key in met if folded[key][1]})
    await subjects.save_spares(tx, {key: met.get(key, NOTHING).spares for key in spares}, spares)
    firsts = [(key, row, time) for key, (row, time) in lone.items()]
    return firsts, [change for _, changes in folded.values() for change in changes]


async def _add(firsts: Iterable[First], changes: Iterable[Change], divisions: Divisions, tx: Tx) -> None:
    """Add the changes, summed, to the figures of both trees and to the history."""
    past = summing.past_deltas(firsts, changes)
    own = summing.own_deltas(past)
    await places.add_places(tx, {key[0] for key in past}, divisions)
    await figures.add_figures(tx, summing.summed(own, divisions))
    await figures.add_history(tx, past)
