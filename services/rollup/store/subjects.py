"""What counts for each subject of each indicator, and what would count in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.chassis.database import Tx
from services.rollup.rules.counting import BEGINNING, Held, Key, Row

_INSERT = """
    insert into counted
    select * from unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::date[], $7::timestamptz[],
                         $8::timestamptz[])
    order by 1, 2, 3 on conflict do nothing returning subject_id, indicator, drill"""
_LOCK = """
    select c.* from counted c join unnest($1::text[], $2::text[], $3::bool[]) key (subject_id, indicator, drill)
        using (subject_id, indicator, drill)
    order by c.subject_id, c.indicator, c.drill for update of c"""
_SPARES = """
    select s.* from spares s join unnest($1::text[], $2::text[], $3::bool[]) key (subject_id, indicator, drill)
        using (subject_id, indicator, drill)"""
_SAVE = """
    update counted c set statement = new.statement, division_code = new.division_code, day = new.day, at = new.at,
                         since_at = new.since_at
    from unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::date[], $7::timestamptz[],
                $8::timestamptz[]) new (subject_id, indicator, drill, statement, division_code, day, at, since_at)
    where (c.subject_id, c.indicator, c.drill) = (new.subject_id, new.indicator, new.drill)"""
_DROP_SPARES = """
    delete from spares s using unnest($1::text[], $2::text[], $3::bool[]) key (subject_id, indicator, drill)
    where (s.subject_id, s.indicator, s.drill) = (key.subject_id, key.indicator, key.drill)"""
_INSERT_SPARES = """
    insert into spares
    select * from unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::date[], $7::timestamptz[])"""


async def insert_or_lock(tx: Tx, new: Mapping[Key, Held]) -> dict[Key, Held]:
    """Inserts the subjects never met as they now are; locks those that were, and returns them as they are held."""
    fresh = {key: held for key, held in new.items() if held.since_at > BEGINNING}  # also what came and went at once
    inserted = await tx.fetch(_INSERT, *_columns(fresh)) if fresh else []
    if len(inserted) == len(new):
        return {}
    keys = _keys(sorted(new.keys() - {Key(*row) for row in inserted}))
    held = await tx.fetch(_LOCK, *keys)
    spares: defaultdict[Key, list[Row]] = defaultdict(list)
    for *key, statement, division, day, at in await tx.fetch(_SPARES, *keys):
        spares[Key(*key)].append(Row(at, statement, day, division))
    return {
        (key := Key(subject, indicator, drill)): Held(
            None if statement is None else Row(at, statement, day, division), since_at, tuple(spares[key])
        )
        for subject, indicator, drill, statement, division, day, at, since_at in held
    }


async def save(tx: Tx, changed: Mapping[Key, Held]) -> None:
    """Writes the counted contributions of subjects that this transaction has locked."""
    if changed:
        await tx.execute(_SAVE, *_columns(changed))


async def save_spares(tx: Tx, before: Mapping[Key, Iterable[Row]], after: Mapping[Key, Held]) -> None:
    """Writes the further contributions of subjects that this transaction has inserted or locked."""
    changed = [key for key, held in after.items() if set(held.spares) != set(before[key])]
    had = [key for key in changed if before[key]]
    rows = [(*key, row.statement, row.division, row.day, row.at) for key in changed for row in after[key].spares]
    if had:
        await tx.execute(_DROP_SPARES, *_keys(had))
    if rows:
        await tx.execute(_INSERT_SPARES, *map(list, zip(*rows, strict=True)))


def _keys(keys: Iterable[Key]) -> tuple[list[object], ...]:
    subjects, indicators, drills = zip(*keys, strict=True)
    return list(subjects), list(indicators), list(drills)


def _columns(states: Mapping[Key, Held]) -> tuple[list[object], ...]:
    rows = [held.counted or Row(None, None, None, None) for held in states.values()]  # type: ignore[arg-type]
    return (
        *_keys(states),
        [row.statement for row in rows],
        [row.division for row in rows],
        [row.day for row in rows],
        [row.at for row in rows],
        [held.since_at for held in states.values()],
    )
