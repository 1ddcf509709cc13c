"""What people read: figures, the rows behind them, their past. One snapshot each (`App.reading`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from contracts.divisions import Level, Tree
from contracts.indicators import Indicator
from services.chassis.database import Tx
from services.rollup.store.places import LINE

# "left join": who belongs to a grid sees no line of its village, and needs none: a grid's code tells what counts there.
# "offset 0": each code has its range of the index; else the whole history is read, 0.1 s in 300,000 rows.
_FIGURES = """
    select division_code, indicator, drill, sum({tree})::bigint as value from sums
    where division_code = any($1::text[]) and ($2::text[] is null or indicator = any($2))
      and ($3::date is null or day = $3)
    group by 1, 2, 3 having sum({tree}) <> 0
    union all
    select code, indicator, drill, sum(delta)::bigint from unnest($1::text[]) code cross join lateral (
        select indicator, drill, delta from history h
        where h.division_code >= code and h.division_code < code || '~'
          and (length(code) <= 15 or h.division_code = code) and ($2::text[] is null or indicator = any($2))
          and ($3::date is null or day = $3) offset 0) h
    where length(code) >= 12 group by 1, 2, 3 having sum(delta) <> 0"""
# $5 cuts codes at the village where nobody asks for less, so that few lines are followed upwards.
_AS_OF = """
    with own as (
        select left(division_code, $5) as division_code, indicator, drill, sum(delta) as delta from history
        where division_code >= $6 and division_code < $6 || '~' and ($2::text[] is null or indicator = any($2))
          and ($3::date is null or day = $3) and hour_at < $4 group by 1, 2, 3)
    select code as division_code, indicator, drill, sum(delta)::bigint as value
    from own left join places p on p.division_code = left(own.division_code, 12) cross join lateral unnest({line}) code
    where code = any($1::text[]) group by 1, 2, 3 having sum(delta) <> 0"""
_BELOW = """
    select distinct unnest(array[division_code, left(division_code, 15)]) from (
        select division_code from history where division_code > $1 and division_code < $1 || '~'
          and ($2::timestamptz is null or hour_at < $2)
        group by division_code, indicator, day, drill having sum(delta) <> 0) h
    order by 1"""
_CHANGES = """
    select h.day, h.reason, sum(h.delta)::bigint as delta
    from history h left join places p on p.division_code = left(h.division_code, 12)
    where $1 = any({line}) and h.indicator = $2 and h.drill = $3 and h.hour_at >= $4 and h.hour_at < $5
      and ($6::date is null or h.day = $6) and h.division_code >= $7 and h.division_code < $7 || '~'
    group by 1, 2 having sum(h.delta) <> 0 order by 1, 2"""
# "0" follows "/": the range holds every subject of the same person, dwelling or tube.
_ROWS = """
    select c.division_code, c.day, c.at, c.since_at as counted_since_at,
           nullif(latest.division_code, c.division_code) as moved_to
    from (select c.* from counted c left join places p on p.division_code = left(c.division_code, 12)
          where $1 = any({line}) and c.indicator = $2 and c.drill = $3 and ($4::date is null or c.day = $4)
            and left(c.division_code, 9) >= left($7, 9) and left(c.division_code, 9) < left($7, 9) || '~'
            and c.division_code >= $7 and c.division_code < $7 || '~'
          order by c.at, c.statement, c.subject_id limit $5 offset $6) c
    left join lateral (
        select division_code from (
            select division_code, at, statement, drill from counted
            where statement is not null and (subject_id = split_part(c.subject_id, '/', 1)
                or subject_id >= split_part(c.subject_id, '/', 1) || '/'
               and subject_id < split_part(c.subject_id, '/', 1) || '0')
            union all
            select division_code, at, statement, drill from spares
            where subject_id = split_part(c.subject_id, '/', 1)
               or subject_id >= split_part(c.subject_id, '/', 1) || '/'
              and subject_id < split_part(c.subject_id, '/', 1) || '0') known
        where drill = c.drill order by at desc, statement desc limit 1) latest on $8
    order by c.at, c.statement, c.subject_id"""


async def load_figures(
    tx: Tx, tree: str, codes: Sequence[str], indicators: Sequence[str] | None, day: date | None
) -> list[Any]:
    """(division_code, indicator, drill, value) for each of these divisions; figures of 0 are left out."""
    return list(await tx.fetch(_FIGURES.format(tree=Tree(tree)), codes, indicators, day))


async def load_figures_as_of(
    tx: Tx, tree: str, codes: Sequence[str], indicators: Sequence[str] | None, day: date | None, at: datetime
) -> list[Any]:
    """The same as recorded in the hours that began before `at`."""
    lowest = Level.VILLAGE if max(map(len, codes)) <= Level.VILLAGE else 24
    query = _AS_OF.format(line=_line("own.division_code", tree))
    return list(await tx.fetch(query, codes, indicators, day, at, int(lowest), _within(codes)))


async def load_codes_below(tx: Tx, code: str, until: datetime | None) -> list[str]:
    """Grids and micro-grids of a village, or micro-grids of a grid, that have figures, or had them at an instant."""
    return [row[0] for row in await tx.fetch(_BELOW, code, until)]


async def load_changes(
    tx: Tx, tree: str, code: str, indicator: str, drill: bool, from_at: datetime, to_at: datetime, day: date | None
) -> list[Any]:
    """(day, reason, delta) recorded in the hours that began at from_at or later and before to_at."""
    query = _CHANGES.format(line=_line("h.division_code", tree))
    return list(await tx.fetch(query, code, indicator, drill, from_at, to_at, day, _within([code])))


async def load_rows(
    tx: Tx, tree: str, code: str, indicator: Indicator, drill: bool, day: date | None, limit: int, offset: int
) -> list[Any]:
    """(division_code, day, at, counted_since_at, moved_to) of what a figure counts, oldest first; no ids."""
    query = _ROWS.format(line=_line("c.division_code", tree))
    which = code, indicator.code, drill, day, limit, offset, _within([code]), indicator.moves
    return list(await tx.fetch(query, *which))


def _line(division: str, tree: str) -> str:
    return LINE.format(division=division, line=f"p.{Tree(tree)}")


def _within(codes: Sequence[str]) -> str:
    """What the codes of all that counts in these divisions begin with; a functional area takes from its prefecture."""
    starts = sorted(code if code.isdigit() else code[: Level.PREFECTURE] for code in codes)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(starts[0], starts[-1], strict=False))
    return "".join(letter for letter, _ in alike)
