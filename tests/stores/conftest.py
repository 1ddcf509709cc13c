"""Worlds that more than one file of these tests looks at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stores.alerts_world import Alerts, alerts_on


@pytest.fixture
async def alerts(database: str) -> AsyncIterator[Alerts]:
    async with alerts_on(database) as world:
        yield world
