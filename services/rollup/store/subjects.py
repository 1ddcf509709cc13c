"""What counts for each subject of each indicator, and what would count in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from services.chassis.database import Tx
from services.rollup.rules.counting import Held, Key, Row
from services.rollup.store.copying import copy_all

_COLUMNS = ("subject_id", "indicator", "drill", "statement", "division_code", "day", "at", "since_at")
_MET = "select subject_id, indicator, drill from counted where subject_id = any($1::text[])"
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


async def insert_or_lock(
    tx: Tx, lone: Mapping[Key, tuple[Row, datetime]], others: Mapping[Key, Held]
) -> dict[Key, Held]:
    """Inserts the subjects never met as they now are; locks those that were, and returns them as they are held.

    lone: the one contribution of a subject, and since when it counts.
    """
    new = {key: _row(key, held) for key, held in others.items()}
    for key, ((at, statement, day, division), since_at) in lone.items():
        new[key] = (*key, statement, division, day, at, since_at)
    while True:
        met = {Key(*row) for row in await tx.fetch(_MET, sorted({key.subject_id for key in new}))} & new.keys()
        rows = sorted([row for key, row in new.items() if key not in met])
        if not rows or await copy_all(tx, "counted", _COLUMNS, rows):
            break
    if not met:
        return {}
    keys = _keys(sorted(met))
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
        rows = [_row(key, held) for key, held in changed.items()]
        await tx.execute(_SAVE, *map(list, zip(*rows, strict=True)))


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


def _row(key: Key, held: Held) -> tuple[object, ...]:
    at, statement, day, division = held.counted or (None, None, None, None)
    return *key, statement, division, day, at, held.since_at
