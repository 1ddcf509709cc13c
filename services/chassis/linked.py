"""Rows of a table of pairs that hang together: all that can be reached from some ids, in either direction."""

from __future__ import annotations

from collections.abc import Iterable

from services.chassis.database import Tx

_REACHED = """
with recursive reached (id) as (
    select unnest($1::text[])
    union
    select beside.id from reached cross join lateral (
        select {other} as id from {table} where {one} = reached.id and {standing}
        union all select {one} from {table} where {other} = reached.id and {standing}) beside)
select {one}, {other} from {table} where {one} in (select id from reached) and {standing}"""


async def load_linked(
    tx: Tx, table: str, ends: tuple[str, str], standing: str, ids: Iterable[str]
) -> list[tuple[str, str]]:
    """The pairs (both columns `ends`, indexed) of the rows where `standing` holds that can be reached from the ids."""
    query = _REACHED.format(table=table, one=ends[0], other=ends[1], standing=standing)
    return [(row[0], row[1]) for row in await tx.fetch(query, sorted(set(ids)))]
