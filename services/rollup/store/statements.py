"""The newest revision of each statement, and the subjects it counts for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.chassis.database import Tx
from services.rollup.rules.counting import Key, Known

_INSERT = """
    insert into statements (statement, revision, recorded_at)
    select * from unnest($1::text[], $2::int[], $3::timestamptz[]) as new (statement, revision, recorded_at)
    order by statement on conflict do nothing returning statement"""
_LOCK = """
    select statement, revision, recorded_at from statements where statement = any($1::text[])
    order by statement for update"""
_KEYS = """
    select statement, subject_id, indicator, drill from counted where statement = any($1::text[])
    union all select statement, subject_id, indicator, drill from spares where statement = any($1::text[])"""
_SAVE = """
    update statements set revision = new.revision, recorded_at = new.recorded_at
    from unnest($1::text[], $2::int[], $3::timestamptz[]) as new (statement, revision, recorded_at)
    where statements.statement = new.statement"""


async def insert_or_lock(tx: Tx, new: Mapping[str, Known]) -> dict[str, Known]:
    """Inserts the statements never met; locks those that were, and returns them as they are held."""
    inserted = await tx.fetch(_INSERT, *_columns(new))
    if len(inserted) == len(new):
        return {}
    held = await tx.fetch(_LOCK, sorted(new.keys() - {row[0] for row in inserted}))
    superseded = [row["statement"] for row in held if row["revision"] < new[row["statement"]].revision]
    keys = await _keys_of(tx, superseded) if superseded else {}
    return {name: Known(revision, recorded_at, keys.get(name, set())) for name, revision, recorded_at in held}


async def _keys_of(tx: Tx, names: Iterable[str]) -> Mapping[str, set[Key]]:
    keys: defaultdict[str, set[Key]] = defaultdict(set)
    for name, subject_id, indicator, drill in await tx.fetch(_KEYS, names):
        keys[name].add(Key(subject_id, indicator, drill))
    return keys


async def save(tx: Tx, states: Mapping[str, Known]) -> None:
    """Writes newer revisions of statements that this transaction has locked."""
    if states:
        await tx.execute(_SAVE, *_columns(states))


def _columns(states: Mapping[str, Known]) -> tuple[list[object], ...]:
    return list(states), [one.revision for one in states.values()], [one.recorded_at for one in states.values()]
