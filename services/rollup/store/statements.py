"""The newest revision of each statement, and the subjects it counts for.

A statement said once that counts for one subject has no row here: the row of that subject stands for it (`lone`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from services.chassis.database import Tx
from services.rollup.rules.counting import Key, Known, packed, unpacked

# Not a lock of a table: autovacuum would have to give way to every batch.
_TURN = "select pg_advisory_xact_lock(hashtext(current_schema), hashtext('batch'))"
_HELD = "select statement from statements where statement in (select json_array_elements_text($1))"
_LOAD = "select * from statements where statement = any($1::text[])"
_LONE_OF = """
    update counted set lone = false where lone and statement = any($1::text[])
    returning statement, since_at, subject_id, indicator, drill"""
_LONE_AT = """
    update counted c set lone = false
    from unnest($1::text[], $2::text[], $3::bool[]) key (subject_id, indicator, drill)
    where lone and (c.subject_id, c.indicator, c.drill) = (key.subject_id, key.indicator, key.drill)
    returning c.statement, c.since_at, c.subject_id, c.indicator, c.drill"""
_SAVE = """
    insert into statements select * from unnest($1::text[], $2::int[], $3::timestamptz[], $4::bytea[])
    on conflict (statement) do update
    set revision = excluded.revision, recorded_at = excluded.recorded_at, subjects = excluded.subjects"""


async def wait_for_turn(tx: Tx) -> None:
    """Until the end of the transaction no other batch, of whatever replica, is counted: what is read stays true."""
    await tx.execute(_TURN)


async def find_held(tx: Tx, names: str) -> set[str]:
    """Those of the names (`as_json`) that have a row here."""
    return {row[0] for row in await tx.fetch(_HELD, names)}


async def load(tx: Tx, names: Collection[str]) -> dict[str, Known]:
    """What is held of these statements; none for those never met. Each gets a row of its own."""
    await _stand_alone(tx, await tx.fetch(_LONE_OF, names))
    rows = await tx.fetch(_LOAD, names)
    return {name: Known(revision, recorded_at, unpacked(subjects)) for name, revision, recorded_at, subjects in rows}


async def stand_alone(tx: Tx, keys: Iterable[Key]) -> None:
    """The statements that count for these subjects get rows of their own: another one may take their place."""
    await _stand_alone(tx, await tx.fetch(_LONE_AT, *map(list, zip(*keys, strict=True))))


async def _stand_alone(tx: Tx, rows: Iterable[tuple[object, ...]]) -> None:
    await save(tx, {name: Known(1, since_at, {Key(*key): ""}) for name, since_at, *key in rows})  # type: ignore[misc, arg-type]


async def save(tx: Tx, states: Mapping[str, Known]) -> None:
    """Writes statements as they now are."""
    if states:
        rows = [(name, state.revision, state.recorded_at, packed(state.keys)) for name, state in states.items()]
        await tx.execute(_SAVE, *map(list, zip(*rows, strict=True)))
