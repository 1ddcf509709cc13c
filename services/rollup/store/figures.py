"""Figures from the township upwards, and the history, which in a village and below is the figures too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from services.chassis.database import Tx
from services.rollup.rules.summing import Own
from services.rollup.store.copying import HISTORY

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


async def add_figures(tx: Tx, deltas: Mapping[Own, tuple[int, int]]) -> None:
    """Adds the changes (statutory, reporting); figures that come to 0 have no row."""
    if deltas:
        await tx.execute(_ADD_SUMS, *_columns(deltas), *_columns(deltas.values()))
    fallen = [key for key, delta in deltas.items() if min(delta) < 0]
    if fallen:
        await tx.execute(_DROP_SUMS, *_columns(fallen))


async def add_history(tx: Tx, rows: memoryview) -> None:
    """Appends the changes of `copied_history`."""
    await tx.copy_to_table("history", columns=HISTORY, source=rows, format="binary")


def _columns(rows: Collection[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
