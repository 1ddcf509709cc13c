"""What an operator does beside a running service."""

from __future__ import annotations

from typing import Any

import pytest

from services.chassis.errors import NoSuchRow, RelayAtWork
from services.chassis.operating import new_epoch, void_row
from services.chassis.relay import TRY_LOCK
from tests.chassis.rig import INTAKE, ids, of_lane, say_all, settings
from tests.chassis.site import site

EVENTS = of_lane(0, 5)


async def test_an_operator_does_not_work_beside_a_relay(database: str, fresh_kafka: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.chassis.operating.PATIENCE", 0.2)
    monkeypatch.setattr("services.chassis.operating.TRIES", 2)
    async with site(database, fresh_kafka) as here:
        await here.db.fetchval(TRY_LOCK, "intake")
        with pytest.raises(RelayAtWork, match="stop the service first"):
            await new_epoch(INTAKE, settings(database, fresh_kafka))


async def test_a_voided_row_moves_the_number_and_nothing_else(database: str, fresh_kafka: str) -> None:
    given = settings(database, fresh_kafka)
    async with site(database, fresh_kafka) as here:
        await say_all(here.pool, EVENTS[:3])
        row = await here.pool.fetchval("select id from outbox where event_id = $1", EVENTS[1].id)
        assert await void_row(INTAKE, given, row) == EVENTS[1].id
        with pytest.raises(NoSuchRow):
            await void_row(INTAKE, given, row)
        await here.publish(EVENTS[3:5])
        assert await here.read_by_a_consumer() == ids(EVENTS[:1] + EVENTS[2:5])
