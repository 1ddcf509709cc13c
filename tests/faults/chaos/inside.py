"""The weakness of deriving in the transaction that stores the facts: two that run side by side see neither's facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event, Fact
from services.chassis.database import Tx
from services.tracing import deriver
from services.tracing.rules.surroundings import NOBODY
from services.tracing.store import states
from services.tracing.store.facts import save_facts
from services.tracing.store.stale import append_stale

_READ = "select person_id, division_code, part, met, told, event_time from states where person_id = any($1)"


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Any]]:
    """Keep the facts, then derive until nothing is stale, at once."""
    await append_stale(tx, await save_facts(tx, events))
    said: list[Event[Any]] = []
    while (worked := await deriver.derive_stale(tx, events[0].time)).more:
        said += worked.events
    return said


async def _read_states(tx: Tx, person_ids: Sequence[str]) -> dict[str, states.State]:
    await tx.execute(
        "insert into states (person_id) select p from unnest($1::text[]) p where not exists"
        " (select from states s where s.person_id = p)",
        person_ids,
    )
    return {
        person_id: states.State(
            code, states.PART.validate_json(part) if part else NOBODY, frozenset(met), told, event_time
        )
        for person_id, code, part, met, told, event_time in await tx.fetch(_READ, person_ids)
    }


def without_waiting() -> None:
    """The rows of persons are read without a lock."""
    setattr(deriver, "lock_states", _read_states)  # noqa: B010 - a weakness, put in from outside
