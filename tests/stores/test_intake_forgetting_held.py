"""Whom `gridward forget` leaves alone: who is sought or waits for something, and whoever stands in a rejected row."""

from __future__ import annotations

from typing import Any

import pytest

from services.intake.forgetting import Order
from tests.stores.intake_world import GRID, a_number, a_person, a_test, intake
from tests.stores.test_intake_forgetting import LATER, THEN, forget


async def test_who_is_sought_or_waits_for_something_stays_until_it_is_done_or_an_edition_ended_all(
    database: str,
) -> None:
    head = {"feed": "page", "division_code": GRID}
    lead = {**head, "source_id": "l", "kind": "lead", "source": "letter", "received_at": THEN, **a_person(1)}
    need = {**head, "source_id": "n", "kind": "need", "need": "medicine", "asked_at": THEN, **a_person(3)}
    landed = {**head, "source_id": "found", "kind": "lead-landed", "lead": {"feed": "page", "source_id": "l"}}
    met = {**head, "source_id": "m", "kind": "need-met", "asked": {"feed": "page", "source_id": "n"}}
    done = {"done_at": THEN, "done_by": "grid"}
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        waits = {**need, "source_id": "n2", **a_person(4)}
        assert await world.words(lead, need, waits, landed | done, met | done) == ["accepted"] * 5
        await world.at(LATER)
        assert await forget(world) == 1
        await world.at("2023-03-15T12:00:00+08:00")
        assert await forget(world) == 2


@pytest.mark.parametrize(
    "row",
    [
        a_test(9, 1, person={"phone": 13800000001}),
        {"feed": "lab", "unreadable": f"MSH|^~\\&|LAB\rPID|1||{a_number(1)}^^^^IDN||王某\r"},
    ],
    ids=["without quotation marks", "in a message"],
)
async def test_whoever_stands_in_a_rejected_row_in_whatever_form_is_kept_with_it(
    database: str, row: dict[str, Any]
) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(a_test(1, 1), a_test(2, 2))
        await world.at(LATER)
        await world.send(row)
        assert await forget(world) == 1
        assert await world.words(a_test(3, 1)) == ["accepted"]
        assert await world.pool.fetchval("select count(*) from vault_persons") == 1


async def test_an_order_for_one_division_takes_no_rejected_row_from_another_nor_leaves_one_of_whom_it_erased(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(a_test(1, 1), a_test(2, 2), a_test(3, 2, result="?"), a_test(4, 3, division_code="33040"))
        await world.at(LATER)
        assert await forget(world, Order("data office", "order 12", 60, "order", "330421")) == 1
        assert await world.pool.fetchval("select count(*) from vault_rejects") == 2
        assert await forget(world) == 1
        assert await world.pool.fetchval("select count(*) from vault_rejects") == 0
