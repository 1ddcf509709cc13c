"""The four services in one process on a real PostgreSQL, with a courier in the place of Kafka: journeys in seconds.

The courier can be a saboteur: everything twice, in any order, in any pieces. What Kafka, the relay and the fence add is
tested in `chassis` and `faults`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from random import Random
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.envelope import Event, Fact, parse
from contracts.events.policies import TimeAdvanced
from contracts.topics import OF_FACT, SERVICES, heard_by
from deploy.play.stage import Stage
from deploy.sample.forms.carrying import SOURCES
from services.chassis import clock, outbox
from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.once import handled
from services.chassis.service import App, Service
from services.chassis.settings import Settings
from services.chassis.ticking import run_once
from services.chassis.web import make_web
from services.intake.door import BATCH, door_of
from services.intake.health.hl7.mllp import mllp_listener
from services.intake.health.sources import Sources, load_sources
from services.intake.health.upstream.reading import Raw, read_record

KEY = SecretStr("k" * 40)
ROLES = frozenset({"sender", "operator"})
SENT = """with sent as (delete from outbox returning topic, partition, id, record),
  counted as (update lanes l set last = last + n from (select topic, partition, count(*) n from sent group by 1, 2) s
              where (l.topic, l.partition) = (s.topic, s.partition))
select record from sent order by topic, partition, id"""
HEARD = """update positions p set last = last + x.n
 from unnest($2::text[], $3::int[], $4::bigint[]) x(topic, partition, n)
 where p.consumer = $1 and (p.topic, p.partition) = (x.topic, x.partition)"""


@dataclass
class Courier:
    """Carries what is said to whom it concerns. chance: sabotage."""

    apps: dict[str, App]
    chance: Random | None = None
    carried: Counter[str] = field(default_factory=Counter)
    log: list[Event[Any]] = field(default_factory=list)

    async def run(self) -> None:
        """Until cancelled."""
        while True:  # noqa: ASYNC110 - the condition is PostgreSQL's
            await asyncio.sleep(0.002 if await self.round() else 0.01)

    async def round(self) -> int:
        """Carry what lies in the outboxes, then let each service do what it does by itself."""
        carried = 0
        for app in self.apps.values():
            async with app.pool.acquire() as tx, tx.transaction():
                said = [parse(row["record"]) for row in await tx.fetch(SENT)]
            carried += len(said)
            self.log += said
            for hearer in self.apps.values():
                await self._hand_over(hearer, [e for e in said if hearer.name in OF_FACT[type(e.data)].consumers])
        if not carried:
            for app in self.apps.values():
                for tick in app.service.ticks:
                    while await run_once(app, tick):
                        pass
        return carried

    async def _hand_over(self, app: App, events: Sequence[Event[Any]]) -> None:
        if not events:
            return
        for piece in self._pieces(events):
            async with app.pool.acquire() as tx, tx.transaction():
                await outbox.write(tx, app.name, await self._heard(app, piece, tx))
        lanes = Counter((OF_FACT[type(e.data)].key, OF_FACT[type(e.data)].partition_of(e.subject)) for e in events)
        self.carried[app.name] += len(events)
        columns = [t for t, _ in lanes], [p for _, p in lanes], list(lanes.values())
        await app.pool.execute(HEARD, app.name, *columns)

    async def _heard(self, app: App, events: Sequence[Event[Any]], tx: Any) -> list[Event[Any]]:
        for event in events:
            if isinstance(event.data, TimeAdvanced):
                await clock.advance(tx, event.data)
        return await handled(app.service, events, tx)

    def _pieces(self, events: Sequence[Event[Any]]) -> list[Sequence[Event[Any]]]:
        if self.chance is None:
            return [events]
        twice, pieces = self.chance.sample([*events, *events], 2 * len(events)), list[Sequence[Event[Any]]]()
        while twice:
            size = self.chance.randint(1, max(5, len(events)))
            pieces.append(twice[:size])
            twice = twice[size:]
        return pieces


@dataclass(frozen=True)
class Town(Stage):
    """A stage whose services are in this process."""

    transport: httpx.AsyncBaseTransport = field(kw_only=True)
    courier: Courier = field(kw_only=True)
    sources: Sources = field(kw_only=True)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers={"authorization": f"Bearer {self.token}"}, transport=self.transport, timeout=60
        )

    async def put(self, topic: str, lines: Sequence[bytes]) -> None:
        """As intake reads them of a topic; the offsets are tested on Kafka (`stores/test_health_upstream`)."""
        [source] = [source for source in self.sources.all if topic in source.topics]
        readings = [each for line in lines for each in read_record(Raw(line, []), source).ready]
        for at in range(0, len(readings), BATCH):
            await door_of(self.courier.apps["intake"]).admit_readings(readings[at : at + BATCH])


class Doors(httpx.AsyncBaseTransport):
    """By host name to the ASGI application of that service."""

    def __init__(self, applications: dict[str, httpx.ASGITransport]) -> None:
        self._applications = applications

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._applications[request.url.host].handle_async_request(request)


@asynccontextmanager
async def town(database: str, *, chance: Random | None = None) -> AsyncIterator[Town]:
    """The town, its courier under way. Whatever ends the courier fails the block."""
    senders = str(SOURCES)
    settings = Settings(
        database=database, token_key=KEY, vault_key=KEY, clock="stage", log_level="ERROR", sources=senders, mllp_port=0
    )
    async with AsyncExitStack() as stack:
        apps: dict[str, App] = {}
        for name in SERVICES:
            service: Service = import_module(f"services.{name}.service").SERVICE
            pool = await open_pool(name, service.schema, settings)
            stack.push_async_callback(pool.close)
            apps[name] = App(service, settings, pool)
        doors = Doors({name: httpx.ASGITransport(make_web(app, Health(name))) for name, app in apps.items()})
        courier = Courier(apps, chance)
        known = load_sources(senders)
        mllp = await stack.enter_async_context(mllp_listener(door_of(apps["intake"]), known, settings))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(courier.run())
            token = make_token(KEY, "stage manager", ROLES)
            urls = {name: f"http://{name}" for name in apps}
            yield Town(urls, token, KEY, mllp_port=mllp or 0, transport=doors, courier=courier, sources=known)
            task.cancel()


def all_handlers() -> list[tuple[str, type[Fact]]]:
    """Each (service, fact) that arrives by its topics, but for the stage clock, which is the chassis'."""
    pairs: dict[str, list[type[Fact]]] = defaultdict(list)
    for name in SERVICES:
        pairs[name] = [fact for topic in heard_by(name) for fact in topic.events if fact is not TimeAdvanced]
    return [(name, fact) for name, facts in pairs.items() for fact in facts]
