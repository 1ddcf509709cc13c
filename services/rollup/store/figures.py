"""Figures from the village upwards, and the history, which below a village is the figures too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from services.chassis.database import Tx
from services.rollup.rules.counting import ONLY_RISING
from services.rollup.rules.summing import Own, Past

_ADD_SUMS = """
    insert into sums
    select * from unnest($1::text[], $2::text[], $3::date[], $4::bool[], $5::bigint[], $6::bigint[])
    order by 1, 2, 3, 4 on conflict (division_code, indicator, day, drill)
    do update set statutory = sums.statutory + excluded.statutory, reporting = sums.reporting + excluded.reporting"""
_DROP_SUMS = """
    delete from sums s using unnest($1::text[], $2::text[], $3::date[], $4::bool[])
        old (division_code, indicator, day, drill)
    where (s.division_code, s.indicator, s.day, s.drill) = (old.division_code, old.indicator, old.day, old.drill)
      and statutory = 0 and reporting = 0"""
_ADD_HISTORY = """
    insert into history
    select * from unnest($1::text[], $2::text[], $3::date[], $4::bool[], $5::timestamptz[], $6::text[], $7::bigint[])
    order by 1, 2, 3, 4, 5, 6 on conflict (division_code, indicator, day, drill, hour_at, reason)
    do update set delta = history.delta + excluded.delta"""
_DROP_HISTORY = """
    delete from history h using unnest($1::text[], $2::text[], $3::date[], $4::bool[], $5::timestamptz[], $6::text[])
        old (division_code, indicator, day, drill, hour_at, reason)
    where (h.division_code, h.indicator, h.day, h.drill, h.hour_at, h.reason)
        = (old.division_code, old.indicator, old.day, old.drill, old.hour_at, old.reason) and delta = 0"""


async def add_figures(tx: Tx, deltas: Mapping[Own, tuple[int, int]]) -> None:
    """Adds the changes (statutory, reporting); figures that come to 0 have no row."""
    if deltas:
        await tx.execute(_ADD_SUMS, *_columns(deltas), *_columns(deltas.values()))
    fallen = [key for key, delta in deltas.items() if min(delta) < 0]
    if fallen:
        await tx.execute(_DROP_SUMS, *_columns(fallen))


async def add_history(tx: Tx, deltas: Mapping[Past, int]) -> None:
    """Adds the changes; a sum that comes to 0 has no row."""
    if deltas:
        await tx.execute(_ADD_HISTORY, *_columns(deltas), list(deltas.values()))
    both_ways = [key for key in deltas if key[-1] not in ONLY_RISING]
    if both_ways:
        await tx.execute(_DROP_HISTORY, *_columns(both_ways))


def _columns(rows: Collection[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
