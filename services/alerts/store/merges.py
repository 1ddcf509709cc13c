"""Ids that mean one person: a clock is the person's, whichever id a fact names."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.persons import Merged
from services.alerts.store.facts import lock_people
from services.chassis.database import Tx
from services.chassis.merges import load_merged


async def lock_everybody(tx: Tx, people: Iterable[str]) -> Merged:
    """Locks these people under every id of theirs, and says which those are.

    A merge locks both before it is kept, so once all are locked none can come between. Ids found only after the first
    wait are locked out of order; where that closes a ring, the database breaks it and the batch is taken again.
    """
    locked, wanted = set[str](), set(people)
    while wanted:
        everybody = (await load_merged(tx, wanted)).everybody(wanted)
        await lock_people(tx, everybody - locked)
        locked |= everybody
        merged = await load_merged(tx, locked)
        wanted = merged.everybody(locked) - locked
        if not wanted:
            return merged
    return Merged()
