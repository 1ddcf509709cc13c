"""What people read: figures, the rows behind them, their past. One snapshot each (`App.reading`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from services.chassis.database import Tx

_FIGURES = """
    select division_code, indicator, drill, sum(value)::bigint as value from figures
    where tree = $1 and division_code = any($2::text[])
      and ($3::text[] is null or indicator = any($3)) and ($4::date is null or day = $4)
    group by 1, 2, 3"""
_AS_OF = """
    select p.ancestor_code as division_code, h.indicator, h.drill, sum(h.delta)::bigint as value
    from history h join places p using (division_code)
    where p.tree = $1 and p.ancestor_code = any($2::text[])
      and ($3::text[] is null or h.indicator = any($3)) and ($4::date is null or h.day = $4) and h.hour_at < $5
    group by 1, 2, 3 having sum(h.delta) <> 0"""
_BELOW = """
    select distinct division_code from figures
    where tree = $1 and division_code > $2 and division_code < $2 || ':' and length(division_code) > $3
    order by 1"""
_CHANGES = """
    select h.day, h.reason, sum(h.delta)::bigint as delta from history h join places p using (division_code)
    where p.tree = $1 and p.ancestor_code = $2 and h.indicator = $3 and h.drill = $4
      and h.hour_at >= $5 and h.hour_at < $6 and ($7::date is null or h.day = $7)
    group by 1, 2 having sum(h.delta) <> 0 order by 1, 2"""
# "0" follows "/": the range holds every subject of the same person, dwelling or tube.
_ROWS = """
    select c.division_code, c.day, c.at, c.since_at as counted_since_at,
           nullif(latest.division_code, c.division_code) as moved_to
    from counted c join places p on p.division_code = c.division_code and p.tree = $1 and p.ancestor_code = $2
    cross join lateral (
        select division_code from (
            select division_code, at, statement from counted
            where statement is not null and (subject_id = split_part(c.subject_id, '/', 1)
                or subject_id >= split_part(c.subject_id, '/', 1) || '/'
               and subject_id < split_part(c.subject_id, '/', 1) || '0')
            union all
            select division_code, at, statement from spares
            where subject_id = split_part(c.subject_id, '/', 1)
               or subject_id >= split_part(c.subject_id, '/', 1) || '/'
              and subject_id < split_part(c.subject_id, '/', 1) || '0') known
        order by at desc, statement desc limit 1) latest
    where c.indicator = $3 and c.drill = $4 and ($5::date is null or c.day = $5)
    order by c.at, c.statement, c.subject_id limit $6 offset $7"""


async def load_figures(
    tx: Tx, tree: str, codes: Sequence[str], indicators: Sequence[str] | None, day: date | None
) -> list[Any]:
    """(division_code, indicator, drill, value) for each of these divisions; figures of 0 are left out."""
    return list(await tx.fetch(_FIGURES, tree, codes, indicators, day))


async def load_figures_as_of(
    tx: Tx, tree: str, codes: Sequence[str], indicators: Sequence[str] | None, day: date | None, at: datetime
) -> list[Any]:
    """The same as recorded in the hours that began before `at`."""
    return list(await tx.fetch(_AS_OF, tree, codes, indicators, day, at))


async def load_codes_below(tx: Tx, tree: str, code: str, longer_than: int) -> list[str]:
    """Codes with figures that begin with `code` and are longer than that."""
    return [row[0] for row in await tx.fetch(_BELOW, tree, code, longer_than)]


async def load_changes(
    tx: Tx, tree: str, code: str, indicator: str, drill: bool, from_at: datetime, to_at: datetime, day: date | None
) -> list[Any]:
    """(day, reason, delta) recorded in the hours that began at from_at or later and before to_at."""
    return list(await tx.fetch(_CHANGES, tree, code, indicator, drill, from_at, to_at, day))


async def load_rows(
    tx: Tx, tree: str, code: str, indicator: str, drill: bool, day: date | None, limit: int, offset: int
) -> list[Any]:
    """(division_code, day, at, counted_since_at, moved_to) of what a figure counts, oldest first; no ids."""
    return list(await tx.fetch(_ROWS, tree, code, indicator, drill, day, limit, offset))
