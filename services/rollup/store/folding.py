"""The history made shorter: rows that batches appended, and later those of a day's hours, become one with their sum."""

from __future__ import annotations

from datetime import datetime

from services.chassis.database import Tx

_ALONE = "select pg_try_advisory_xact_lock(hashtext(current_schema), hashtext('fold'))"
_KEEP = "insert into folds (up_to) values ($1) on conflict (one) do update set up_to = excluded.up_to"
# Whole divisions: the next ones with about so many rows; null: there are none any more.
_END = """
    select max(division_code) from (
        select division_code from history where division_code > $1 order by division_code limit $2) next"""
# Before $3 a day's rows stand in its first hour: who asks for an instant of that day is answered at its end.
_HOUR = "case when hour_at < $3 then date_trunc('day', hour_at, 'Asia/Shanghai') else hour_at end"
# Batches only append: what one of them adds meanwhile stays as it is.
_FOLD = f"""
    with alike as (
        select division_code, indicator, day, drill, {_HOUR} as folded_at, reason from history
        where division_code > $1 and division_code <= $2 group by 1, 2, 3, 4, 5, 6 having count(*) > 1),
    gone as (
        delete from history h using alike a
        where h.division_code > $1 and h.division_code <= $2
          and (h.division_code, h.indicator, h.day, h.drill, {_HOUR}, h.reason)
            = (a.division_code, a.indicator, a.day, a.drill, a.folded_at, a.reason)
        returning a.*, h.delta)
    insert into history (division_code, indicator, day, drill, hour_at, reason, delta)
    select division_code, indicator, day, drill, folded_at, reason, sum(delta)::bigint from gone
    group by 1, 2, 3, 4, 5, 6 having sum(delta) <> 0"""  # noqa: S608 - of constants


async def fold_next(tx: Tx, rows: int, hours_kept_from: datetime) -> None:
    """Folds the divisions after those folded last, about so many rows; after the last one it begins anew.

    hours_kept_from: what was recorded before it is kept by the day. Does nothing where another replica is at it.
    """
    if not await tx.fetchval(_ALONE):
        return
    up_to = await tx.fetchval("select up_to from folds") or ""
    end = await tx.fetchval(_END, up_to, rows)
    if end is not None:
        await tx.execute(_FOLD, up_to, end, hours_kept_from)
    await tx.execute(_KEEP, end or "")
