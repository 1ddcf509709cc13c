"""Waiting for what only PostgreSQL knows: that a transaction waits for another one's lock."""

from __future__ import annotations

import asyncio

import asyncpg

# Locks are shown as they are now; pg_stat_activity, in a transaction, as it was at its first look.
# A row's lock names no database, its waiter does.
_WAITS = """
select exists (select from pg_locks where not granted and pid in
                 (select pid from pg_stat_activity where datname = current_database()))"""


async def until_one_waits(db: asyncpg.Connection | asyncpg.Pool) -> None:
    """Returns once some transaction of this database waits for another one's lock. TimeoutError after 20 s."""
    async with asyncio.timeout(20):
        while not await db.fetchval(_WAITS):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.01)
