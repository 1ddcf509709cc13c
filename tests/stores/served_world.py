"""Intake that listens on a port, for what only a real connection shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.chassis.health import Health
from services.chassis.settings import Settings
from services.chassis.web import make_web, served
from services.intake.door import door_of
from services.intake.health.hl7.frames import END, START
from services.intake.health.hl7.mllp import mllp_listener
from services.intake.health.sources import load_sources
from tests.stores.intake_world import World, intake


@asynccontextmanager
async def listening(database: str, **how: Any) -> AsyncIterator[tuple[World, str]]:
    """A replica and its address. how: as `intake` takes it."""
    async with intake(database, **how) as world, served(make_web(world.app, Health("intake")), "127.0.0.1", 0) as url:
        yield world, url


@asynccontextmanager
async def dialled(host: str, port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection, and nothing said on it."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def mllp_line(world: World, **more: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a listener of this world. more: settings."""
    settings = Settings(**{**world.app.settings.model_dump(), "mllp_port": 0, **more})
    async with mllp_listener(door_of(world.app), load_sources(settings.sources), settings) as port:
        assert port is not None
        async with dialled("127.0.0.1", port) as line:
            yield line


async def acknowledged(reader: asyncio.StreamReader) -> bytes:
    """The next answer, without its frame."""
    async with asyncio.timeout(20):
        return (await reader.readuntil(END)).removeprefix(START).removesuffix(END)
