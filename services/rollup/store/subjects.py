"""What counts for each subject of each indicator, and what would count in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from asyncpg import UniqueViolationError

from services.chassis.database import Tx
from services.rollup.rules.counting import Held, Key, Row
from services.rollup.rules.plain import First
from services.rollup.store.copying import COUNTED, as_json

_LONE = "select statement from counted where lone and statement in (select json_array_elements_text($1))"
_MET = "select subject_id, indicator, drill from counted where subject_id in (select json_array_elements_text($1))"
_OF_KEYS = """
    select {columns} from {table} c join unnest($1::text[], $2::text[], $3::bool[]) key (subject_id, indicator, drill)
        using (subject_id, indicator, drill)"""
# "0" follows "/": the range holds every subject of one person.
_OF_PERSONS = """
    select subject_id, indicator, drill from unnest($1::text[]) who cross join lateral (
        select subject_id, indicator, drill from counted where subject_id = who
        union all
        select subject_id, indicator, drill from counted
        where subject_id >= who || '/' and subject_id < who || '0') own
    where drill = $2"""
_COUNTED = _OF_KEYS.format(
    table="counted", columns="subject_id, indicator, drill, statement, division_code, day, at, since_at"
)
_SPARES = _OF_KEYS.format(table="spares", columns="subject_id, indicator, drill, statement, division_code, day, at")
_SAVE = """
    insert into counted (subject_id, indicator, drill, statement, division_code, day, at, since_at)
    select * from unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::date[], $7::timestamptz[],
                         $8::timestamptz[])
    on conflict (subject_id, indicator, drill) do update
    set statement = excluded.statement, division_code = excluded.division_code, day = excluded.day, at = excluded.at,
        since_at = excluded.since_at"""
_DROP_SPARES = """
    delete from spares s using unnest($1::text[], $2::text[], $3::bool[]) key (subject_id, indicator, drill)
    where (s.subject_id, s.indicator, s.drill) = (key.subject_id, key.indicator, key.drill)"""
_INSERT_SPARES = """
    insert into spares
    select * from unnest($1::text[], $2::text[], $3::bool[], $4::text[], $5::text[], $6::date[], $7::timestamptz[])"""


async def insert(tx: Tx, rows: memoryview) -> bool:
    """Whether all of `copied_counted` went in. False: none did, some were met before (`find_met`)."""
    try:
        async with tx.transaction():
            await tx.copy_to_table("counted", columns=COUNTED, source=rows, format="binary")
    except UniqueViolationError:
        return False
    return True


async def find_met(tx: Tx, firsts: Sequence[First]) -> tuple[set[str], set[Key]]:
    """Statements, and subjects, of these that `counted` has rows of."""
    lone = await tx.fetch(_LONE, as_json([one.statement for one in firsts]))
    met = await tx.fetch(_MET, as_json([one.subject_id for one in firsts]))
    return {row[0] for row in lone}, {Key(*row) for row in met}


async def find_of(tx: Tx, persons: Collection[str], drill: bool) -> list[Key]:
    """Every subject that is, or was ever met, of these persons, in earnest or in exercises."""
    return [Key(*row) for row in await tx.fetch(_OF_PERSONS, persons, drill)]


async def load(tx: Tx, keys: Collection[Key]) -> dict[Key, Held]:
    """What is held of these subjects; none for those never met."""
    spares: defaultdict[Key, list[Row]] = defaultdict(list)
    for *key, statement, division, day, at in await tx.fetch(_SPARES, *_columns(keys)):
        spares[Key(*key)].append(Row(at, statement, day, division))
    return {
        (key := Key(subject, indicator, drill)): Held(
            None if statement is None else Row(at, statement, day, division), since_at, tuple(spares[key])
        )
        for subject, indicator, drill, statement, division, day, at, since_at in await tx.fetch(
            _COUNTED, *_columns(keys)
        )
    }


async def save(tx: Tx, changed: Mapping[Key, Held]) -> None:
    """Writes what now counts for these subjects."""
    if changed:
        rows = [_row(key, held) for key, held in changed.items()]
        await tx.execute(_SAVE, *_columns(rows))


async def save_spares(tx: Tx, before: Mapping[Key, Held], after: Mapping[Key, Held]) -> None:
    """Writes the further contributions of the subjects in `after`; before: as they were, none for new ones."""
    had = {key: held.spares for key, held in before.items()}
    changed = [key for key, held in after.items() if set(held.spares) != set(had.get(key, ()))]
    rows = [(*key, row.statement, row.division, row.day, row.at) for key in changed for row in after[key].spares]
    if gone := [key for key in changed if had.get(key)]:
        await tx.execute(_DROP_SPARES, *_columns(gone))
    if rows:
        await tx.execute(_INSERT_SPARES, *_columns(rows))


def _columns(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _row(key: Key, held: Held) -> tuple[object, ...]:
    at, statement, day, division = held.counted or (None, None, None, None)
    return *key, statement, division, day, at, held.since_at
