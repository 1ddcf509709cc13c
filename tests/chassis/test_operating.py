"""What an operator does beside a running service."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.events.testing import TestResulted
from services.chassis import operating
from services.chassis.errors import NoSuchRow, RelayAtWork
from services.chassis.operating import new_epoch, void_row
from services.chassis.relay import TRY_LOCK
from services.chassis.service import Service
from tests.chassis.rig import (
    APPLIED,
    INTAKE,
    TRACING,
    Broken,
    applied,
    ids,
    of_lane,
    on_result_mended,
    pool_of,
    records_of,
    say_all,
    settings,
    take,
)
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


async def test_an_operator_lists_resends_and_drops_dead_letters(database: str) -> None:
    given = settings(database)
    async with pool_of(TRACING, database) as pool:
        for record in records_of(EVENTS[:2]):
            await take(pool, [record], condemned=Broken("thirteen"))
        first, second = await operating.dead_letters(TRACING, given)
        assert (first.reason, first.key, first.record) == ("Broken: thirteen", "key", EVENTS[0].to_wire())
        mended = Service("tracing", APPLIED, {TestResulted: on_result_mended})
        await operating.resend(mended, given, first.id, "duty-desk")
        await operating.drop(TRACING, given, second.id, "duty-desk")
        assert await operating.dead_letters(TRACING, given) == []
        closed = await pool.fetchval("select array_agg(closed_by order by id) from dead_letters")
        assert closed == ["resent by duty-desk", "dropped by duty-desk"]
        assert await applied(pool) == [EVENTS[0].id]
