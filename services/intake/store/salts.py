"""The salts of weeks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from services.chassis.database import Tx


async def load(tx: Tx, week: date) -> bytes | None:
    sealed: bytes | None = await tx.fetchval("select sealed from vault_salts where week = $1", week)
    return sealed


async def load_all(tx: Tx) -> list[tuple[date, bytes]]:
    """Oldest first."""
    return [(row[0], row[1]) for row in await tx.fetch("select week, sealed from vault_salts order by week")]


async def first_week(tx: Tx) -> date | None:
    first: date | None = await tx.fetchval("select min(week) from vault_salts")
    return first


async def insert(tx: Tx, sealed: Mapping[date, bytes]) -> None:
    """Those that are not there."""
    await tx.execute(
        """insert into vault_salts select x.* from unnest($1::date[], $2::bytea[]) x(week, sealed)
            where not exists (select from vault_salts s where s.week = x.week) order by 1 on conflict do nothing""",
        list(sealed),
        list(sealed.values()),
    )


async def replace(tx: Tx, sealed: Mapping[date, bytes]) -> None:
    """The same salts under another key."""
    await tx.execute(
        """update vault_salts s set sealed = x.sealed
             from unnest($1::date[], $2::bytea[]) x(week, sealed) where s.week = x.week""",
        list(sealed),
        list(sealed.values()),
    )


async def delete_before(tx: Tx, week: date) -> None:
    await tx.execute("delete from vault_salts where week < $1", week)
