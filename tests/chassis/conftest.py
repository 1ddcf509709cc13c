"""A log without topics for each test, and plain log lines (structlog's drawn traces take longer than the tests)."""

from __future__ import annotations

import pytest

from services.chassis import logs
from services.chassis.topics import admin
from tests.servers import Background


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure("INFO")


@pytest.fixture
def fresh_kafka(background: Background, kafka: str) -> str:
    """Bootstrap servers of a broker without the topics of earlier tests; what groups had read goes with them."""
    background.run(forget_all(kafka))
    return kafka


async def forget_all(kafka: str) -> None:
    async with admin(kafka) as client:
        while names := [name for name in await client.list_topics() if not name.startswith("__")]:
            await client.delete_topics(names)
