"""A real intake at noon of 5 March 2022 as workers, leaders and other services see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.envelope import Event, Fact, say
from contracts.events.contacts import Standing
from contracts.events.deadlines import DeadlineJudged, Line, Verdict
from contracts.events.quarantine import CareScheduled, Mode
from services.chassis.access import make_token
from services.intake.owing import on_batch
from tests.stores.duty_records import a_register, a_round, an_assignment
from tests.stores.intake_world import GRID, KEY, VILLAGE, World, a_person

AT, NOON = "2022-03-05T09:00:00+08:00", datetime.fromisoformat("2022-03-05T12:00:00+08:00")
OTHER_GRID = f"{VILLAGE}002"
WORKER = "worker-1"


async def as_(world: World, name: str = WORKER, role: str = "worker", division: str = VILLAGE) -> httpx.AsyncClient:
    """The same replica as somebody else sees it."""
    token = make_token(SecretStr(KEY), name, frozenset({role}), division)
    transport = world.client._transport
    return httpx.AsyncClient(
        transport=transport, base_url="http://intake", headers={"authorization": f"Bearer {token}"}
    )


async def at_noon(world: World) -> None:
    await world.pool.execute("update stage set now_at = $1", NOON)
    await world.pool.execute("insert into grids values ($1, '二网格') on conflict do nothing", OTHER_GRID)


async def three_homes(world: World, first: str, second: str, neighbour: str, *, round_in: str) -> None:
    """At noon: two homes of the worker's grid, one of the next grid, somebody in each; a round is open there."""
    await at_noon(world)
    homes = [
        a_register(grid, n, [a_person(n)], dwelling={"ref": f"door-{n}", "address": address})
        for n, grid, address in ((1, GRID, first), (2, GRID, second), (3, OTHER_GRID, neighbour))
    ]
    assigned = [an_assignment(GRID, WORKER), an_assignment(OTHER_GRID, "neighbour")]
    assert set(await world.words(*homes, a_round(round_in), *assigned)) == {"accepted"}


async def listed(client: httpx.AsyncClient, **asked: str) -> list[tuple[str, str]]:
    """(kind, whom or where) of each item, in its order."""
    items = (await client.get("/today", params=asked)).raise_for_status().json()["items"]
    return [(item["kind"], item.get("person_id") or item["dwelling_id"]) for item in items]


async def ids(world: World) -> dict[str, str]:
    """Random ids by the text that the vault seals: name or address."""
    worker = await as_(world, "head", "leader", "")
    found = (await worker.get("/roster", params={"division": VILLAGE})).raise_for_status().json()
    homes = found["households"]
    people = {member["name"]: member["person_id"] for home in homes for member in home["members"]}
    return people | {home["address"]: home["dwelling_id"] for home in homes}


async def hear(world: World, *facts: Fact, division: str = GRID) -> None:
    said: list[Event[Any]] = [say(fact, source="tracing", time=NOON, division=division, cause="test") for fact in facts]
    async with world.pool.acquire() as tx, tx.transaction():
        assert await on_batch(said, tx) == []


def care(person_id: str, revision: int = 1, *, mode: Mode = Mode.HOME_QUARANTINE, **more: Any) -> CareScheduled:
    said: dict[str, Any] = {
        "statement_id": f"care:{person_id}:{mode}", "revision": revision, "person_id": person_id,
        "placement_id": f"stay-{person_id}", "mode": mode, "from_at": NOON - timedelta(days=2),
        "until_at": NOON + timedelta(days=5), "checks_per_day": 2, "test_dates": (), "edition": "ed-8",
        "standing": Standing.IN_FORCE,
    }  # fmt: skip
    return CareScheduled(**{**said, **more})


def transfer(person_id: str, revision: int, verdict: Verdict) -> DeadlineJudged:
    return DeadlineJudged(
        statement_id=f"clock:{person_id}", revision=revision, person_id=person_id, clock_id=person_id,
        deadline="transfer.contact.to_quarantine", line=Line.COMMAND, verdict=verdict, started_at=NOON,
        due_at=NOON + timedelta(hours=12), edition="ed-8", standing=Standing.IN_FORCE,
    )  # fmt: skip
