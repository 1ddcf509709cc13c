"""What is done besides kills in windows: each waits until it hits something at work, then until all is well."""

from __future__ import annotations

import asyncio
import re

from tests.faults.chaos.hunting import OPEN
from tests.faults.chaos.replicas import Replica
from tests.faults.chaos.scene import Scene
from tests.faults.chaos.waiting import until

SESSION_TIMEOUT = 10.0
PAUSE = SESSION_TIMEOUT + 2.0
LOSS = 12.0
TAKES_PART_WITHIN = 30.0

_RELAYS = """
select a.pid from pg_stat_activity a join pg_locks l on l.pid = a.pid and l.locktype = 'advisory'
 where a.application_name like 'gridward/' || $1 || '/%/relay'"""
_TOOK = re.compile(r"^gridward_batch_records_count\{[^}]*\} ([0-9.]+)$", re.MULTILINE)


async def pause(scene: Scene, replica: Replica) -> None:
    """SIGSTOP with a transaction open, for longer than the group waits for it: then a zombie goes on where it was."""
    async with scene.servers.database() as watch:
        names = [f"gridward/{replica.service}/{replica.pid}{part}" for part in ("", "/relay")]
        await until(lambda: watch.fetchrow(OPEN, names), f"{replica.name} at work", 30, 0.005)
    await scene.counters.read(replica)
    replica.pause()
    try:
        await asyncio.sleep(PAUSE)  # what is tried is the length itself
    finally:
        replica.resume()
    recovery = await replica.until_ready(scene.client)
    scene.chronicle.note("SIGSTOP", replica.name, f"for {PAUSE:.0f} s with a transaction open", recovery=recovery)


async def terminate_relay(scene: Scene, service: str) -> None:
    """pg_terminate_backend on the relay that holds the lock, while rows wait."""
    async with scene.servers.database() as db:
        waiting = f"select count(*) from {service}.outbox"
        rows = await until(lambda: db.fetchval(waiting), f"rows wait in {service}.outbox", 30, 0.005)
        relays = await db.fetch(_RELAYS, service)
        ended = [await db.fetchval("select pg_terminate_backend($1)", row[0]) for row in relays]
    detail = f"{sum(ended)} ended, {rows} rows in the outbox"
    scene.chronicle.note("pg_terminate_backend", f"{service}'s relay", detail)


async def restart_broker(scene: Scene, *, killed: bool) -> None:
    if killed:
        await scene.servers.kafka.kill()
        await scene.servers.kafka.start()
    else:
        await scene.servers.kafka.restart()
    recovery = await scene.troop.until_ready(scene.client)
    scene.chronicle.note("broker restart", "Kafka", "killed" if killed else "in order", recovery=recovery)


async def restart_database(scene: Scene, *, killed: bool) -> None:
    if killed:
        await scene.servers.postgres.kill()
        await scene.servers.postgres.start()
    else:
        await scene.servers.postgres.restart()
    recovery = await scene.troop.until_ready(scene.client)
    scene.chronicle.note("database restart", "PostgreSQL", "killed" if killed else "in order", recovery=recovery)


async def join_and_leave(scene: Scene, service: str) -> None:
    """A third replica, until it has taken a batch or 30 s are over; half of them leave by kill -9."""
    third, in_order = scene.another(service), scene.chance.random() < 0.5
    scene.troop.replicas.append(third)
    third.start()
    try:
        recovery = await third.until_ready(scene.client)
        took = "took batches"
        try:
            await until(lambda: _took(scene, third), f"{third.name} takes a batch", TAKES_PART_WITHIN)
        except TimeoutError:
            took = "got nothing to do"
        await scene.counters.read(third)
    finally:
        await (third.stop() if in_order else third.kill())
        scene.troop.replicas.remove(third)
    left = "left in order" if in_order else "was killed"
    scene.chronicle.note("third replica", third.name, f"joined, {took}, {left}", recovery=recovery)


async def _took(scene: Scene, replica: Replica) -> bool:
    found = _TOOK.search((await scene.client.get(f"{replica.url}/metrics")).text)
    return found is not None and float(found[1]) > 0


async def lose_network(scene: Scene, service: str) -> None:
    """The service cannot reach the broker for longer than a request and a session last; then all arrives late."""
    proxy = scene.servers.proxies[service]
    proxy.lose()
    try:
        await asyncio.sleep(LOSS)  # what is tried is the length itself
    finally:
        proxy.find()
    recovery = await scene.troop.until_ready(scene.client)
    scene.chronicle.note("network lost", f"{service} to Kafka", f"for {LOSS:.0f} s, then late", recovery=recovery)


async def reset_network(scene: Scene, service: str) -> None:
    """Every connection of the service to the broker ends at once."""
    scene.servers.proxies[service].reset()
    recovery = await scene.troop.until_ready(scene.client)
    scene.chronicle.note("network reset", f"{service} to Kafka", "every connection ended", recovery=recovery)
