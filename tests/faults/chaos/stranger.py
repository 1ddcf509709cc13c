"""A stranger misleads a group: batches begin too high, as after offsets were set by hand while PostgreSQL was away.

Another program joins a service's group, acknowledges the records that it gets, and leaves; the connections on which the
service would look up where to go on are ended at that instant. Its members then begin above what they have kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import heard_by
from services.chassis.subscription import REBALANCE_MS
from tests.faults.chaos.scene import Scene
from tests.faults.chaos.waiting import until
from tests.faults.chaos.windows import caught_behind, held

JOINS_WITHIN = 40.0
WAITING_WITHIN = 60.0
WAITING = 200
RECORDS_WITHIN = 8.0
LOOKUPS_WITHIN = 15.0
NEXT_OFFSETS = "select topic, partition, next_offset from positions where consumer"
TRIES = 6


async def mislead(scene: Scene, service: str) -> None:
    """Until the service has refused a batch. Raises TimeoutError when nothing came of it."""
    before = scene.counters.sums().get("batches_refused", 0)
    for _ in range(TRIES):
        await _records_wait(scene, service)
        records = await _swallow(scene, service)
        if records and await _is_refused(scene, before):
            scene.chronicle.note("misled", service, f"{records} lanes acknowledged unread, and refused as too high")
            return
    raise TimeoutError(f"{service} refused nothing after {TRIES} strangers")


async def _records_wait(scene: Scene, service: str) -> None:
    """A stranger who joins at the end of a step gets none, and holds back the next, which waits for all to be read."""
    lanes = [TopicPartition(topic.key, number) for topic in heard_by(service) for number in range(topic.partitions)]
    async with scene.servers.database() as database:
        log = AIOKafkaConsumer(bootstrap_servers=scene.servers.kafka.kafka)
        await log.start()
        try:

            async def enough() -> bool:
                taken = await database.fetchval(f"select sum(next_offset) from {service}.positions")
                return sum((await log.end_offsets(lanes)).values()) - int(taken) >= WAITING

            with suppress(TimeoutError):
                await until(enough, f"{WAITING} records wait for {service}", WAITING_WITHIN)
        finally:
            await log.stop()


async def _swallow(scene: Scene, service: str) -> int:
    """Records acknowledged by a stranger, who has left again."""
    stranger = AIOKafkaConsumer(
        *(topic.key for topic in heard_by(service)),
        bootstrap_servers=scene.servers.kafka.kafka,
        group_id=f"gridward-{service}",
        enable_auto_commit=False,
        rebalance_timeout_ms=REBALANCE_MS,
    )
    try:
        await stranger.start()
        await until(lambda: _lanes(stranger), f"a stranger joins {service}", JOINS_WITHIN)
        records = await _acknowledge(stranger)
        if records:
            async with (
                scene.servers.database() as watch,
                scene.servers.database() as holding,
                held(holding, f"{service}.positions", "access exclusive") as holder,
            ):
                await stranger.stop()
                await _end_lookups(scene, watch, holder, service)
        return records
    finally:
        with suppress(KafkaError):
            await stranger.stop()


async def _lanes(stranger: AIOKafkaConsumer) -> int:
    return len(stranger.assignment())


async def _acknowledge(stranger: AIOKafkaConsumer) -> int:
    """Say of each lane with two new records or more that the first is done; the others show that it was not."""
    give_up = time.monotonic() + RECORDS_WITHIN
    seen: dict[TopicPartition, list[int]] = defaultdict(list)
    while time.monotonic() < give_up:
        for at, records in (await stranger.getmany(timeout_ms=500)).items():
            seen[at] += [record.offset for record in records]
        done = {at: offsets[0] + 1 for at, offsets in seen.items() if len(offsets) > 1}
        if done:
            await stranger.commit(done)
            return len(done)
    return 0


async def _end_lookups(scene: Scene, watch: asyncpg.Connection, holder: int, service: str) -> None:
    """End each connection on which a replica asks where to go on, until each has asked."""
    left = {replica.pid for replica in scene.troop.of(service) if replica.answers}
    give_up = time.monotonic() + LOOKUPS_WITHIN
    while left and time.monotonic() < give_up:
        for each in await caught_behind(watch, holder, service):
            if each.query.startswith(NEXT_OFFSETS):
                await watch.execute("select pg_terminate_backend($1)", each.backend)
                left.discard(each.pid)
        await asyncio.sleep(0.02)


async def _is_refused(scene: Scene, before: int) -> bool:
    async def refused() -> bool:
        await asyncio.gather(*(scene.counters.read(replica) for replica in scene.troop.replicas))
        return scene.counters.sums().get("batches_refused", 0) > before

    with suppress(TimeoutError):
        return await until(refused, "a refusal", 20, 0.2)
    return False
