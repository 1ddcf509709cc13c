"""Intake that listens on a port, for what only a real connection shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.chassis.health import Health
from services.chassis.web import make_web, served
from tests.stores.intake_world import World, intake


@asynccontextmanager
async def listening(database: str, **how: Any) -> AsyncIterator[tuple[World, str]]:
    """A replica and its address. how: as `intake` takes it."""
    async with intake(database, **how) as world, served(make_web(world.app, Health("intake")), "127.0.0.1", 0) as url:
        yield world, url
