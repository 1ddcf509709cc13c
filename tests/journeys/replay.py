"""A recorded journey, heard again by services that start from nothing: in one go, with a handler missing or none.

Figures and states do not depend on when things were heard, so no stage is needed; what was told when does, so the
messages of a replay are those of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

import httpx

from contracts.envelope import Event, Fact, parse
from contracts.events.deadlines import MessageSent
from contracts.events.policies import TimeAdvanced
from contracts.topics import OF_FACT
from deploy.play.compare import read_figures, read_states
from services.chassis import outbox
from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.once import handled
from services.chassis.service import App, Service
from services.chassis.settings import Settings
from services.chassis.web import make_web
from tests.journeys.town import KEY, ROLES, SENT

BATCH = 4_000
SERVICE_URL = "http://service"
Kept = tuple[str, type[Fact]] | None


@dataclass(frozen=True)
class Recorded:
    """A journey: every event in the order of saying, who is who by identity number, the truth and what differed."""

    events: list[Event[Any]]
    person_ids: Mapping[str, str]
    truth: Mapping[str, Any]
    wrong: list[str]
    ended_at: datetime


async def replayed(database: str, recorded: Recorded, without: Kept) -> dict[str, Any]:
    """{"figures": {division: {indicator: n}}, "states": {person_id: state}} with one (service, fact) never handled."""
    settings = Settings(database=database, token_key=KEY, vault_key=KEY, clock="stage", log_level="ERROR")
    async with AsyncExitStack() as stack:
        apps = {name: await _fresh(stack, name, settings) for name in ("tracing", "alerts", "rollup")}
        said = [event for event in recorded.events if event.source == "intake"]
        for name in ("tracing", "alerts"):
            said += await _heard(apps[name], said, without, recorded.ended_at)
        said += [event for event in recorded.events if isinstance(event.data, MessageSent)]
        await _heard(apps["rollup"], said, without, recorded.ended_at)
        return {
            "figures": (await read_figures(_client(apps["rollup"]), SERVICE_URL))[0],
            "states": await read_states(_client(apps["tracing"]), SERVICE_URL),
        }


async def _fresh(stack: AsyncExitStack, name: str, settings: Settings) -> App:
    service: Service = import_module(f"services.{name}.service").SERVICE
    pool = await open_pool(name, service.schema, settings)
    stack.push_async_callback(pool.close)
    await pool.execute("update stage set now_at = '2022-03-05T00:00+08:00'")
    return App(service, settings, pool)


async def _heard(app: App, said: Iterable[Event[Any]], without: Kept, ended_at: datetime) -> list[Event[Any]]:
    """What the service says after it has heard all that concerns it and time has gone to the end."""
    told = [e for e in said if app.name in OF_FACT[type(e.data)].consumers and not isinstance(e.data, TimeAdvanced)]
    told = [e for e in told if (app.name, type(e.data)) != without]
    for at in range(0, len(told), BATCH):
        async with app.pool.acquire() as tx, tx.transaction():
            await outbox.write(tx, app.name, await handled(app.service, told[at : at + BATCH], tx))
    await app.pool.execute("update stage set now_at = $1", ended_at)
    await _let_it_work(app, ended_at)
    async with app.pool.acquire() as tx:
        rows = await tx.fetch(SENT)
    answer = [parse(row["record"]) for row in rows]
    return [event for event in answer if not isinstance(event.data, MessageSent)]


async def _let_it_work(app: App, now: datetime) -> None:
    for tick in app.service.ticks:
        more = True
        while more:
            async with app.pool.acquire() as tx, tx.transaction():
                worked = await tick.run(tx, now)
                await outbox.write(tx, app.name, worked.events)
            more = worked.more


def _client(app: App) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(make_web(app, Health(app.name)))
    headers = {"authorization": f"Bearer {make_token(KEY, 'tester', ROLES)}"}
    return httpx.AsyncClient(transport=transport, headers=headers)
