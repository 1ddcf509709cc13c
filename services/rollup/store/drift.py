"""Figures compared with the rows they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.chassis.database import Tx
from services.rollup.store.places import SUMMED

# In a village and below a figure is the same in both trees; what is recorded below counts at the grid and village too.
_BELOW = """
    select code, indicator, day, drill, sum(value), sum(value) from (
        select division_code as code, indicator, day, drill, value from {rows} where length(division_code) >= 12
        union all
        select left(division_code, 15), indicator, day, drill, value from {rows} where length(division_code) > 15
        union all
        select left(division_code, 12), indicator, day, drill, value from {rows} where length(division_code) > 12) one
    group by 1, 2, 3, 4 having sum(value) <> 0"""
# One statement is one snapshot: a batch that commits meanwhile is seen whole or not at all.
_COMPARE = f"""
    with rows as (
        select division_code, indicator, day, drill, count(*) as value from counted
        where division_code is not null and indicator = any($1::text[]) group by 1, 2, 3, 4),
    own as (
        select left(division_code, 12) as division_code, indicator, day, drill, sum(value) as value
        from rows group by 1, 2, 3, 4),
    past as (
        select division_code, indicator, day, drill, sum(delta) as value from history
        where indicator = any($1::text[]) and length(division_code) >= 12 group by 1, 2, 3, 4 having sum(delta) <> 0),
    made as (select * from ({SUMMED}) made union all {_BELOW.format(rows="rows")}),
    kept as (select * from sums where indicator = any($1::text[]) union all {_BELOW.format(rows="past")})
    select tree, division_code, indicator, day, drill, figure::bigint, recomputed::bigint
    from kept full join made using (division_code, indicator, day, drill)
    cross join lateral (values
        ('statutory', coalesce(kept.statutory, 0), coalesce(made.statutory, 0)),
        ('reporting', coalesce(kept.reporting, 0), coalesce(made.reporting, 0))) both_trees (tree, figure, recomputed)
    where figure <> recomputed
    order by 1, 2, 3, 4, 5"""  # noqa: S608 - only texts of this package are put in
_SIZES = "select indicator, rows from checks order by turn, indicator"
_FORGET = "delete from drifts where indicator = any($1::text[])"
_KEEP = "insert into drifts values ($1, $2, $3, $4, $5, $6, $7)"
_CHECKED = """
    with sizes as (
        select indicator, count(*) as rows from counted
        where division_code is not null and indicator = any($1::text[]) group by 1)
    insert into checks
    select indicator, $2, (select coalesce(max(turn), 0) + 1 from checks), coalesce(rows, 0), coalesce(rows, 0) / $3
    from unnest($1::text[]) new (indicator) left join sizes using (indicator)
    on conflict (indicator)
    do update set checked_at = excluded.checked_at, turn = excluded.turn, rows = excluded.rows,
        rests = excluded.rests"""
_REST = """
    update checks set rests = rests - 1
    where indicator = (select indicator from checks where rests > 0 order by 1 limit 1) returning 1"""


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


async def rests(tx: Tx) -> bool:
    """Whether this turn is passed over, because a check before it read more rows than a turn has."""
    return bool(await tx.fetchval(_REST))


async def save_check(tx: Tx, indicators: Sequence[str], drifts: Sequence[Drift], at: datetime, a_turn: int) -> None:
    """Puts what was found in the place of what was found before for these indicators. a_turn: its rows."""
    await tx.execute(_FORGET, indicators)
    await tx.executemany(_KEEP, drifts)
    await tx.execute(_CHECKED, indicators, at, a_turn)


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
