"""The path in little, for controls: one producer with its relay, one consumer, real servers, any of them weakened."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from contracts.envelope import Event
from contracts.topics import TOPICS, said_by
from services.chassis import outbox
from services.chassis.database import Lane, lanes_of
from services.chassis.topics import make_topics
from tests.faults.chaos.chronicle import Chronicle
from tests.faults.chaos.counters import Counters
from tests.faults.chaos.playing import Boundary
from tests.faults.chaos.replicas import Replica, Troop
from tests.faults.chaos.saying import NOTE, ids
from tests.faults.chaos.scene import Scene
from tests.faults.chaos.servers import servers_behind_proxies
from tests.faults.chaos.stage import client_of, settings
from tests.faults.patience import patient_reader

SETTLES_WITHIN = 30.0
STANDS_STILL_FOR = 6.0
WEAKENED = "tests.faults.chaos.weakened"


@dataclass(frozen=True)
class Damage:
    """What a control must make and the protocol must not: events lost, events doubled, lanes stopped."""

    lost: int = 0
    doubled: int = 0
    stopped: int = 0

    @property
    def total(self) -> int:
        return self.lost + self.doubled + self.stopped


@dataclass(frozen=True)
class _Sight:
    """behind: lanes that the consumer has not read to their end, or whose rows are not published."""

    behind: frozenset[Lane]
    applied: int


@dataclass
class Miniature:
    """consumer: the schema of the one that hears; `intake` says."""

    scene: Scene
    consumer: str

    async def say(self, events: Sequence[Event[Any]]) -> None:
        """One committed transaction of intake."""
        async with self.scene.servers.database() as db, self.saying(db, events):
            pass

    @asynccontextmanager
    async def saying(self, db: asyncpg.Connection, events: Sequence[Event[Any]]) -> AsyncIterator[None]:
        """A transaction of intake on this connection, with its work done; committed at the end of the block."""
        async with db.transaction():
            await db.execute("set local search_path = intake")
            await db.execute(NOTE, ids(events))
            await outbox.write(db, "intake", events)
            yield

    async def ends(self) -> dict[Lane, int]:
        """Where each lane of the log ends."""
        async with patient_reader(self.scene.servers.kafka.kafka) as reader:
            return await reader.ends(lanes_of(said_by("intake")))

    async def settle(self) -> frozenset[Lane]:
        """Wait until all is read, or nothing moves any more; gives the lanes that stand still before their end."""
        async with self.scene.servers.database() as db:
            before, since = await self._look(db), time.monotonic()
            give_up = since + SETTLES_WITHIN
            while before.behind and time.monotonic() < min(give_up, since + STANDS_STILL_FOR):
                await asyncio.sleep(0.1)
                now = await self._look(db)
                if now != before:
                    before, since = now, time.monotonic()
            return before.behind

    async def _look(self, db: asyncpg.Connection) -> _Sight:
        ends = await self.ends()
        waiting = await db.fetch("select distinct topic, partition from intake.outbox")
        at = await db.fetch(f"select topic, partition, next_offset from {self.consumer}.positions")
        behind = {(topic, lane) for topic, lane, offset in at if offset < ends.get((topic, lane), 0)}
        applied = sum(offset for _, _, offset in at)
        return _Sight(frozenset(behind | {(topic, lane) for topic, lane in waiting}), applied)

    async def damage(self) -> Damage:
        """What was committed as said, held against what the probe has."""
        stopped = await self.settle()
        async with self.scene.servers.database() as db:
            said = {row[0] for row in await db.fetch("select event_id from intake.said")}
            applied = [row[0] for row in await db.fetch("select event_id from probe.applied")]
        return Damage(len(said - set(applied)), len(applied) - len(set(applied)), len(stopped))


@asynccontextmanager
async def miniature(
    logs: Path, weaknesses: Sequence[str], consumer: str = "probe", *, producers: int = 1, consumers: int = 1
) -> AsyncIterator[Miniature]:
    """Producers and consumers, ready; every process has these weaknesses."""
    key = secrets.token_hex(32)
    async with servers_behind_proxies(("intake", consumer)) as servers, client_of(key) as client:
        await make_topics(servers.kafka.kafka, TOPICS, 1)

        def replica(service: str, letter: str) -> Replica:
            role = "producer" if service == "intake" else service
            environment = settings(f"127.0.0.1:{servers.proxies[service].port}", servers.postgres.dsn, key)
            return Replica(service, letter, (WEAKENED, role, *weaknesses), environment, logs)

        said = [replica("intake", letter) for letter in "ab"[:producers]]
        troop = Troop(said + [replica(consumer, letter) for letter in "ab"[:consumers]])
        scene = Scene(
            servers,
            troop,
            client,
            Chronicle(lambda line: None),
            Counters(client, troop),
            Boundary(),
            Random(1),
            lambda service: replica(service, "z"),
        )
        try:
            await troop.start(client)
            yield Miniature(scene, consumer)
        finally:
            with suppress(TimeoutError):
                await troop.stop()
