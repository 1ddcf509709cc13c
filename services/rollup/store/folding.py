"""The history made shorter: a row for each change that a batch appended becomes one row with their sum."""

from __future__ import annotations

from services.chassis.database import Tx

_ALONE = "select pg_try_advisory_xact_lock(hashtext(current_schema), hashtext('fold'))"
_KEEP = "insert into folds (up_to) values ($1) on conflict (one) do update set up_to = excluded.up_to"
# Whole divisions: the next ones with about so many rows; null: there are none any more.
_END = """
    select max(division_code) from (
        select division_code from history where division_code > $1 order by division_code limit $2) next"""
# Batches only append: what one of them adds meanwhile stays as it is.
_FOLD = """
    with alike as (
        select division_code, indicator, day, drill, hour_at, reason from history
        where division_code > $1 and division_code <= $2 group by 1, 2, 3, 4, 5, 6 having count(*) > 1),
    gone as (
        delete from history h using alike a
        where h.division_code > $1 and h.division_code <= $2
          and (h.division_code, h.indicator, h.day, h.drill, h.hour_at, h.reason)
            = (a.division_code, a.indicator, a.day, a.drill, a.hour_at, a.reason)
        returning h.*)
    insert into history
    select division_code, indicator, day, drill, hour_at, reason, sum(delta)::bigint from gone
    group by 1, 2, 3, 4, 5, 6 having sum(delta) <> 0"""


async def fold_next(tx: Tx, rows: int) -> None:
    """Folds the divisions after those folded last, about so many rows; after the last one it begins anew.

    Does nothing where another replica is at it.
    """
    if not await tx.fetchval(_ALONE):
        return
    up_to = await tx.fetchval("select up_to from folds") or ""
    end = await tx.fetchval(_END, up_to, rows)
    if end is not None:
        await tx.execute(_FOLD, up_to, end)
    await tx.execute(_KEEP, end or "")
