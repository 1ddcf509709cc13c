"""The four services as processes on a broker, on the stage clock."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.fleet import fleet
from deploy.play.stage import Stage, make_upstream_topic, settings_of_senders
from services.chassis.access import make_token
from tests.journeys.town import ROLES

KEY = secrets.token_hex(20)


@asynccontextmanager
async def processes(
    kafka: str, database: str, logs: Path, *, roles: frozenset[str] = ROLES, **more: str
) -> AsyncIterator[Stage]:
    """more: settings beside those of every run."""
    environment = {
        "GRIDWARD_KAFKA": kafka,
        "GRIDWARD_DATABASE": database,
        "GRIDWARD_CLOCK": "stage",
        "GRIDWARD_TOKEN_KEY": KEY,
        "GRIDWARD_VAULT_KEY": KEY,
        **settings_of_senders(kafka),
        **more,
    }
    await make_upstream_topic(kafka)
    async with fleet(environment, logs) as services:
        yield Stage.of(services.urls, make_token(SecretStr(KEY), "tester", roles), KEY, environment)
