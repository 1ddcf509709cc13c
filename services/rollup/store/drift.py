"""Figures compared with the rows they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.chassis.database import Tx

# One statement is one snapshot: a batch that commits meanwhile is seen whole or not at all.
_COMPARE = """
    with own as (
        select division_code, indicator, day, drill, count(*) as value from counted
        where division_code is not null and indicator = any($1::text[]) group by 1, 2, 3, 4),
    made as (
        select p.tree, p.ancestor_code as division_code, o.indicator, o.day, o.drill, sum(o.value)::bigint as value
        from own o join places p using (division_code) group by 1, 2, 3, 4, 5),
    kept as (select * from figures where indicator = any($1::text[]))
    select tree, division_code, indicator, day, drill, coalesce(kept.value, 0), coalesce(made.value, 0)
    from kept full join made using (tree, division_code, indicator, day, drill)
    where kept.value is distinct from made.value
    order by 1, 2, 3, 4, 5"""
_SIZES = "select indicator, rows from checks order by turn, indicator"
_FORGET = "delete from drifts where indicator = any($1::text[])"
_KEEP = "insert into drifts values ($1, $2, $3, $4, $5, $6, $7)"
_CHECKED = """
    with sizes as (
        select indicator, count(*) as rows from counted
        where division_code is not null and indicator = any($1::text[]) group by 1)
    insert into checks
    select indicator, $2, (select coalesce(max(turn), 0) + 1 from checks), coalesce(rows, 0)
    from unnest($1::text[]) new (indicator) left join sizes using (indicator)
    on conflict (indicator)
    do update set checked_at = excluded.checked_at, turn = excluded.turn, rows = excluded.rows"""


class Drift(NamedTuple):
    """A figure that is not the number of its rows."""

    tree: str
    division_code: str
    indicator: str
    day: date
    drill: bool
    figure: int
    recomputed: int


async def alone(tx: Tx) -> bool:
    """Whether no other replica compares at this moment; until the end of the transaction."""
    return bool(await tx.fetchval("select pg_try_advisory_xact_lock(hashtext(current_schema), hashtext('drift'))"))


async def compare(tx: Tx, indicators: Sequence[str]) -> list[Drift]:
    """Every figure of these indicators, at every level of both trees, that differs from its rows."""
    return [Drift(*row) for row in await tx.fetch(_COMPARE, indicators)]


async def save_check(tx: Tx, indicators: Sequence[str], drifts: Sequence[Drift], at: datetime) -> None:
    """Puts what was found in the place of what was found before for these indicators."""
    await tx.execute(_FORGET, indicators)
    await tx.executemany(_KEEP, drifts)
    await tx.execute(_CHECKED, indicators, at)


async def load_sizes(tx: Tx) -> dict[str, int]:
    """Rows of each indicator as last counted, the one that was checked longest ago first."""
    return {row["indicator"]: row["rows"] for row in await tx.fetch(_SIZES)}


async def load_drifts(tx: Tx) -> list[Drift]:
    """What the last checks found."""
    return [Drift(*row) for row in await tx.fetch("select * from drifts order by 1, 2, 3, 4, 5")]


async def count_drifts(tx: Tx) -> int:
    """How many figures the last checks found to differ."""
    return int(await tx.fetchval("select count(*) from drifts"))


async def oldest_check(tx: Tx, indicators: Sequence[str]) -> datetime | None:
    """When the indicator checked longest ago was checked; None while one of these never was."""
    oldest: datetime | None = await tx.fetchval(
        "select min(checked_at) from checks where indicator = any($1::text[]) having count(*) = cardinality($1)",
        indicators,
    )
    return oldest
