"""Ids that mean one person: a clock is the person's, whichever id a fact names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from contracts.persons import Merged
from services.alerts.store.facts import lock_people, newest
from services.chassis.database import Tx
from services.chassis.linked import load_linked


async def save_merges(tx: Tx, events: Sequence[Event[PersonsMerged]]) -> None:
    """What is said of two ids; the highest revision holds."""
    said = [event.data for event in newest(events)]
    await tx.execute(
        """insert into merges select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::text[])
           on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn
           where merges.revision < excluded.revision""",
        *[[getattr(fact, name) for fact in said] for name in PersonsMerged.model_fields if name in _COLUMNS],
    )


_COLUMNS = ("statement_id", "revision", "withdrawn", "person_id", "other_id")


async def load_merged(tx: Tx, people: Iterable[str]) -> Merged:
    """Every merge that bears on these people."""
    return Merged(await load_linked(tx, "merges", ("person_id", "other_id"), "not withdrawn", people))


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
