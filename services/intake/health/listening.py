"""What is heard beside intake's HTTP: MLLP, and the topics of another cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.chassis.health import Health
from services.chassis.service import App
from services.intake.door import door_of
from services.intake.health.hl7.mllp import mllp_listener
from services.intake.health.sources import load_sources
from services.intake.health.upstream.consumer import upstream_reader


@asynccontextmanager
async def listening(app: App, health: Health) -> AsyncIterator[None]:
    """Until the block ends. Raises WrongSettings, OSError."""
    door, sources = door_of(app), load_sources(app.settings.sources)
    async with mllp_listener(door, sources, app.settings), upstream_reader(door, sources, app.settings):
        yield
