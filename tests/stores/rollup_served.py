"""Rollup's routes over events that were read, on the stage clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.envelope import Event
from contracts.events.policies import TimeAdvanced
from services.chassis.access import make_token
from services.chassis.clock import advance
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.web import make_web
from services.rollup.service import SERVICE
from tests.stores.rollup_world import read_batches

KEY = SecretStr("k" * 32)


def a_time(at: datetime, revision: int) -> TimeAdvanced:
    return TimeAdvanced(statement_id="stage", revision=revision, to_at=at)


@asynccontextmanager
async def serving(database: str, events: Sequence[Event[Any]], now: datetime) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a caller of the province 33, after these events and at that instant."""
    settings = Settings(database=database, token_key=KEY, clock="stage")
    pool = await open_pool(SERVICE.name, SERVICE.schema, settings)
    async with pool, pool.acquire() as tx:
        await read_batches(tx, [events])
        await advance(tx, a_time(now, 1))
        transport = httpx.ASGITransport(make_web(App(SERVICE, settings, pool), Health(SERVICE.name)))
        async with httpx.AsyncClient(transport=transport, base_url="http://rollup") as client:
            sign_in(client, "33")
            yield client


def sign_in(web: httpx.AsyncClient, division: str) -> None:
    web.headers["authorization"] = f"Bearer {make_token(KEY, 'duty', frozenset(), division)}"


async def answer(web: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await web.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()
