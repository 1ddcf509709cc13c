"""kill -9 in a window: take the lock, wait until a process is caught behind it, kill it there, start it again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from services.chassis.database import Lane
from services.chassis.fence import Number
from tests.faults.chaos.replicas import Replica
from tests.faults.chaos.scene import Scene
from tests.faults.chaos.waiting import until
from tests.faults.chaos.windows import CLAIM, SENT, TRAPS, Caught, Trap, caught_behind, held
from tests.faults.patience import patient_reader

HUNT_WITHIN = 90.0
CATCH_WITHIN = 4.0
TRY_AGAIN = 0.02
AWAY = (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, httpx.TransportError, OSError)
AT_WORK = "at work"

_PLANNED = """
select topic, partition, epoch, source, last + cardinality(ids) as number, tail_offset
  from {service}.lanes where ids <> '{{}}'"""
OPEN = """
select query, clock_timestamp() - xact_start as open_for from pg_stat_activity
 where application_name = any($1) and xact_start is not null and backend_xid is not null"""


class Escaped(Exception):
    """Nobody was caught this time: the window was not open."""


async def kill_in(scene: Scene, window: str, traps: Sequence[Trap] = TRAPS) -> None:
    """Kill one process in this window and start it again. Raises TimeoutError when nobody could be caught."""
    among = [trap for trap in traps if trap.window == window]
    give_up, said = time.monotonic() + HUNT_WITHIN, ""
    while time.monotonic() < give_up and not scene.boundary.over:
        trap = scene.chance.choice(among)
        try:
            replica, detail = await (_kill_at_claim if window == CLAIM else _kill)(scene, trap)
        except (Escaped, *AWAY) as missed:
            said = f"{trap.table}: {missed!r}"
            await asyncio.sleep(TRY_AGAIN)
            continue
        await start_again(scene, replica, "kill -9", detail, window)
        return
    raise TimeoutError(f"nobody was caught in {window}; last: {said or 'the play was over'}")


async def _kill_at_claim(scene: Scene, trap: Trap) -> tuple[Replica, str]:
    """Timers run when the stage clock has moved and all is read: the lock is taken before it moves."""
    await scene.boundary.reach()
    held_back = AsyncExitStack()
    held_back.callback(scene.boundary.leave)
    async with held_back:
        return await _kill(scene, trap, held_back)


async def _kill(scene: Scene, trap: Trap, until_locked: AsyncExitStack | None = None) -> tuple[Replica, str]:
    """One try; gives the killed replica and the evidence. The lock is let go as soon as the process is dead."""
    async with _trapped(scene, trap) as (watch, holder):
        if until_locked is not None:
            await until_locked.aclose()
        proof = await _sent(scene, watch, trap.service) if trap.window == SENT else ""
        replica, caught = await _catch(scene, watch, holder, trap)
        waiting = await watch.fetchval(f"select count(*) from {trap.service}.outbox")
        await _last_counts(scene, replica)
        await replica.kill()
    return replica, (
        f"in {trap.window}, behind {trap.table} in {trap.mode} mode at «{caught.query[:48]}…», transaction open for "
        f"{caught.open_seconds * 1000:.0f} ms, {waiting} rows in the outbox{proof}"
    )


@asynccontextmanager
async def _trapped(scene: Scene, trap: Trap) -> AsyncIterator[tuple[asyncpg.Connection, int]]:
    async with (
        scene.servers.database() as watch,
        scene.servers.database() as holding,
        held(holding, trap.table, trap.mode) as holder,
    ):
        yield watch, holder


async def _catch(scene: Scene, watch: asyncpg.Connection, holder: int, trap: Trap) -> tuple[Replica, Caught]:
    async def caught() -> tuple[Replica, Caught] | None:
        for each in await caught_behind(watch, holder, trap.service):
            replica = scene.troop.with_pid(each.pid)
            if replica is not None and each.relay == trap.relay and trap.statement in each.query:
                return replica, each
        return None

    found = await until(caught, f"a process of {trap.service} behind {trap.table}", CATCH_WITHIN, 0.02)
    assert found is not None
    return found


async def _sent(scene: Scene, watch: asyncpg.Connection, service: str) -> str:
    """Proof that a committed plan is in the log already. Raises Escaped when no plan is open."""
    plans = await watch.fetch(_PLANNED.format(service=service))
    if not plans:
        raise Escaped("no plan is open")
    lanes: dict[Lane, asyncpg.Record] = {(row["topic"], row["partition"]): row for row in plans}
    async with patient_reader(scene.servers.kafka.kafka) as reader:

        async def there() -> str:
            spans = await reader.tails({lane: row["tail_offset"] for lane, row in lanes.items()})
            async for record in reader.read(spans):
                row = lanes[record.topic, record.partition]
                if Number.of(record.headers) == (row["epoch"], row["source"], row["number"]):
                    return f", {record.topic}/{record.partition} is in the log up to number {row['number']}"
            return ""

        return await until(there, "the plan in the log", CATCH_WITHIN)


async def kill_at_work(scene: Scene, replica: Replica) -> None:
    """Kill this one as soon as it has a transaction open that has written. Raises TimeoutError."""
    async with scene.servers.database() as watch:
        names = [f"gridward/{replica.service}/{replica.pid}{part}" for part in ("", "/relay")]
        row = await until(lambda: watch.fetchrow(OPEN, names), f"{replica.name} at work", 30, 0.005)
        await replica.kill()
    query = " ".join(row["query"].split())[:48]
    detail = f"with a transaction open for {row['open_for'].total_seconds() * 1000:.0f} ms at «{query}…»"
    await start_again(scene, replica, "kill -9", detail, AT_WORK)


async def start_again(scene: Scene, replica: Replica, kind: str, detail: str, window: str | None) -> None:
    """Start it, wait until it is ready, write it down."""
    replica.start()
    recovery = await replica.until_ready(scene.client)
    scene.chronicle.note(kind, replica.name, detail, window=window, recovery=recovery)


async def _last_counts(scene: Scene, replica: Replica) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(scene.counters.read(replica), 1.0)
