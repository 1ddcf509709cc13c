"""The windows in which a process is killed, each a lock behind which it must wait there: no failpoint in the product.

The lock is a table's, held by the harness: SHARE lets everybody read and lock rows and stops whoever writes, EXCLUSIVE
stops whoever locks rows. `statement` is what the process is then found waiting in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

ADMISSION, HANDLER, SENT, CLAIM, DERIVER = (
    "admission",
    "the handler's transaction",
    "between send and delete",
    "the timer's claim",
    "the deriver",
)
WINDOWS = (ADMISSION, HANDLER, SENT, CLAIM, DERIVER)
WAITS_FOR_LOCK = "2s"

_BLOCKED = """
select pid, application_name, query, clock_timestamp() - xact_start as open_for, backend_xid is not null as writes
  from pg_stat_activity
 where $1 = any(pg_blocking_pids(pid)) and application_name like 'gridward/' || $2 || '/%' order by xact_start"""


@dataclass(frozen=True)
class Trap:
    """A lock on `table` in `mode` that stops `service` in `window`; statement: part of what it then waits in."""

    window: str
    service: str
    table: str
    mode: str
    statement: str
    relay: bool = False


TRAPS: tuple[Trap, ...] = (
    Trap(ADMISSION, "intake", "intake.records", "share", 'COPY "records"'),
    Trap(ADMISSION, "intake", "intake.outbox", "share", "insert into outbox"),
    *(
        Trap(HANDLER, service, f"{service}.positions", "share", "update positions")
        for service in ("tracing", "alerts", "rollup")
    ),
    Trap(HANDLER, "tracing", "tracing.stale", "share", "insert into stale"),
    Trap(HANDLER, "rollup", "rollup.counted", "share", "counted"),
    *(
        Trap(SENT, service, f"{service}.lanes", "exclusive", "from lanes order by topic, partition for update", True)
        for service in ("intake", "tracing", "alerts")
    ),
    Trap(CLAIM, "alerts", "alerts.people", "exclusive", "for update skip locked"),
    Trap(DERIVER, "tracing", "tracing.states", "share", "insert into states"),
    Trap(DERIVER, "tracing", "tracing.published", "share", "insert into published"),
)


@dataclass(frozen=True)
class Caught:
    """A process that waits behind our lock, with its transaction open. pid: its own; backend: of its connection."""

    pid: int
    backend: int
    relay: bool
    query: str
    open_seconds: float
    writes: bool


@asynccontextmanager
async def held(db: asyncpg.Connection, table: str, mode: str) -> AsyncIterator[int]:
    """The lock, until the block ends; gives our backend. Raises LockNotAvailableError when others hold on too long."""
    async with db.transaction():
        await db.execute(f"set local lock_timeout = '{WAITS_FOR_LOCK}'")
        await db.execute(f"lock table {table} in {mode} mode")
        yield await db.fetchval("select pg_backend_pid()")


async def caught_behind(watch: asyncpg.Connection, holder: int, service: str) -> Sequence[Caught]:
    """Processes of a service that wait behind the lock of backend `holder`, longest first."""
    return [_caught(row) for row in await watch.fetch(_BLOCKED, holder, service)]


def _caught(row: asyncpg.Record) -> Caught:
    _, _, pid, *part = row["application_name"].split("/")
    seconds = row["open_for"].total_seconds() if row["open_for"] is not None else 0.0
    return Caught(int(pid), row["pid"], part == ["relay"], " ".join(row["query"].split()), seconds, row["writes"])
