"""Facts in: kept, and whom they concern appended to `stale`, in one transaction; nothing is derived here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event, Fact
from contracts.exercise import both_worlds
from services.chassis.database import Tx
from services.tracing.store.facts import save_facts
from services.tracing.store.stale import append_stale


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Any]]:
    """A whole batch, set by set, in any order and with repeats, an exercise apart. Says nothing: the deriver does."""
    await append_stale(tx, await save_facts(tx, [each for event in events for each in both_worlds(event)]))
    return []
