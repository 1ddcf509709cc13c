"""Intake as it runs, without Kafka: its tables in a real PostgreSQL, its routes, tokens, and records to send."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any, Literal

import httpx
from hypothesis import strategies as st
from pydantic import SecretStr

from contracts.envelope import Event, parse
from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.ticking import run_once
from services.chassis.web import make_web
from services.intake.records import KINDS
from services.intake.rules.numbers import check_character
from services.intake.service import SERVICE
from tests.stores.duty_records import one_of_each_duty

KEY = "k" * 32
VILLAGE = "330421001001"
GRID = f"{VILLAGE}001"
NDJSON = {"content-type": "application/x-ndjson"}


class World:
    """One replica of intake. Several may share a database."""

    def __init__(self, app: App, client: httpx.AsyncClient) -> None:
        self.app, self.client, self.pool = app, client, app.pool

    async def send(self, *records: Any, **headers: str) -> list[dict[str, Any]]:
        """Records, or raw lines as bytes, as NDJSON; the verdicts."""
        lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
        answer = await self.client.post("/records", content=b"\n".join(lines), headers={**NDJSON, **headers})
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    async def words(self, *records: Any) -> list[str]:
        """The verdicts' words alone."""
        return [verdict["verdict"] for verdict in await self.send(*records)]

    def signed_in(self, name: str, *roles: str, division: str = "") -> dict[str, str]:
        """The headers of somebody else."""
        token = make_token(self.app.settings.token_key, name, frozenset(roles), division)
        return {"authorization": f"Bearer {token}"}

    async def events(self) -> list[Event[Any]]:
        """Everything said so far, in the order of saying."""
        return [parse(row[0]) for row in await self.pool.fetch("select record from outbox order by id")]

    async def at(self, instant: str) -> None:
        """On stage: it is then now."""
        await self.pool.execute("update stage set now_at = $1", datetime.fromisoformat(instant))

    async def turn_keys(self) -> None:
        """The tick that seals anew, until it has nothing to do, as a running replica does it."""
        [tick] = [tick for tick in self.app.ticks if tick.name == "turning"]
        while await run_once(self.app, tick):
            pass

    async def ledger(self) -> dict[str, dict[str, int]]:
        """By feed, over all hours."""
        rows = (await self.client.get("/ledger")).raise_for_status().json()
        names = ("received", "accepted", "duplicate", "rejected", "pending")
        sums: dict[str, dict[str, int]] = {row["feed"]: dict.fromkeys(names, 0) for row in rows}
        for row in rows:
            for name in names:
                sums[row["feed"]][name] += row[name]
        return sums


def settings_of(database: str, *, vault_key: str | None = KEY, **more: Any) -> Settings:
    key = vault_key if vault_key is None else SecretStr(vault_key)
    return Settings(database=database, token_key=SecretStr(KEY), vault_key=key, _env_file=None, **more)


@asynccontextmanager
async def intake(
    database: str,
    *,
    division: str = "",
    clock: Literal["wall", "stage"] = "wall",
    vault_key: str = KEY,
    sources: str | None = None,
) -> AsyncIterator[World]:
    """A replica whose caller has every role in the division."""
    settings = settings_of(database, vault_key=vault_key, clock=clock, sources=sources)
    pool, thresholds = await open_pool("intake", SERVICE.schema, settings), gc.get_threshold()
    try:
        app = App(SERVICE, settings, pool)
        assert SERVICE.on_start is not None
        await SERVICE.on_start(app)
        await pool.execute("insert into grids values ($1, '一网格') on conflict do nothing", GRID)
        token = make_token(settings.token_key, "tester", frozenset({"sender", "operator"}), division)
        transport = httpx.ASGITransport(make_web(app, Health("intake")))
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://intake", headers=headers) as client:
            yield World(app, client)
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        await pool.close()


def a_number(n: int) -> str:
    """The identification number of the n-th made-up person; no county 330499 exists."""
    first17 = f"330499{date(1950, 1, 1) + timedelta(days=n // 500):%Y%m%d}{n % 500 * 2:03d}"
    return first17 + check_character(first17)


def a_person(n: int, **more: Any) -> dict[str, Any]:
    return {"person": {"id_number": a_number(n), "name": f"王某{n}", "phone": f"138{n:08d}", "sex": "F", **more}}


def a_household(n: int, *people: int, **more: Any) -> dict[str, Any]:
    """The n-th visit of feed grid-app; people: who was met."""
    members = [{**a_person(each), "temperature_celsius": 36.5} for each in people or (n,)]
    return {
        "feed": "grid-app",
        "source_id": f"visit-{n}",
        "kind": "household-visit",
        "division_code": GRID,
        "dwelling": {"ref": f"door-{n}", "address": f"人民路 {n} 号"},
        "round_id": "round-1",
        "visited_at": "2022-03-05T09:00:00+08:00",
        "channel": "visit",
        "members": members,
        **more,
    }


def a_test(n: int, whom: int, **more: Any) -> dict[str, Any]:
    return {
        "feed": "lab",
        "source_id": f"test-{n}",
        "kind": "test",
        "division_code": GRID,
        **a_person(whom),
        "sampled_at": "2022-03-05T09:00:00+08:00",
        "resulted_at": "2022-03-05T18:00:00+08:00",
        "result": "negative",
        **more,
    }


AT, LATER = "2022-03-05T09:00:00+08:00", "2022-03-05T18:00:00+08:00"


def one_of_each(person: int = 1, other: int = 2) -> list[dict[str, Any]]:
    """A record of every kind that a person sends, about the same two people."""
    own = a_person(person)
    arrival = {"source_area_code": "310115", "left_area_at": AT, "arrived_at": LATER}
    measure = {"mode": "central_quarantine", "from_at": AT, "until_at": LATER, "test_dates": ["2022-03-05"]}
    order = {"order_id": "order-1", "office": "office-1", "decider": "post-1", "served_at": AT, "measures": [measure]}
    words = {"legal_basis": "传染病防治法第三十九条", "document": "决定书第12号", "reason": "与一名确诊病例同车"}
    bodies: list[dict[str, Any]] = [
        {"kind": "tube", "tube_id": "tube-1", "sampled_at": AT, "members": [{**own, "division_code": GRID}]},
        {"kind": "tube-result", "tube_id": "tube-1", "resulted_at": LATER, "result": "positive"},
        {"kind": "test", **own, "sampled_at": AT, "resulted_at": LATER, "result": "positive", "ct_value": 24.5},
        {
            "kind": "case-finding",
            **own,
            "classification": "confirmed",
            "found_at": AT,
            "found_how": "fever_clinic",
            "onset_at": AT,
            "institution": "hospital-1",
            "reported_at": LATER,
        },
        {"kind": "case-report", **own, "reported_at": LATER, "institution": "hospital-1"},
        {"kind": "case-classification", **own, "classification": "asymptomatic", "classified_at": LATER},
        {
            "kind": "exposure",
            **own,
            "other": a_person(other)["person"],
            "other_division_code": VILLAGE,
            "way": "dined",
            "first_at": AT,
            "last_at": LATER,
        },
        {"kind": "place-exposure", **own, "place_id": "mall-1", "first_at": AT, "last_at": LATER},
        {"kind": "quarantine-order", **own, **order, **words},
        {"kind": "quarantine-end", **own, "order_id": "order-1", "decider": "post-1", "ended_at": LATER},
        {"kind": "placement", **own, "placement_id": "stay-1", "mode": "hospital", "site_id": "s-1", "started_at": AT},
        {"kind": "placement-end", **own, "placement_id": "stay-1", "ended_at": LATER},
        {"kind": "visit", **own, "visited_at": AT, "temperature_celsius": 37.5, "symptoms": ["fever"]},
        {"kind": "person-details", **own},
        {
            "kind": "same-person",
            "kept": {"person": own["person"]},
            "other": {"person_ref": "guest-1"},
            "decided_by": "post-1",
            "decided_at": LATER,
            "reason": "one card, two lists",
        },
        {"kind": "policy-adoption", "rule": "contact", "adopted_from": AT, "decided_by": "post-1", "document": "No. 1"},
        *_leads_and_needs(own, 16),
        {"kind": "vaccination", **own, "vaccine": "inactivated", "dose_number": 2, "given_at": AT},
    ]
    records = [{"feed": "all", "source_id": f"r-{n}", "division_code": GRID, **body} for n, body in enumerate(bodies)]
    household = a_household(1, person)
    household["members"][0]["arrival"] = arrival
    return [household, *records, *one_of_each_duty(GRID, own)]


def _leads_and_needs(own: dict[str, Any], first: int) -> list[dict[str, Any]]:
    """first: the number of the lead among the records."""
    lead, need = ({"feed": "all", "source_id": f"r-{n}"} for n in (first, first + 5))
    step = {"lead": lead, "done_at": LATER, "done_by": "worker-1"}
    closed = {"outcome": "under_control", "reason": "居家健康监测", "division_code": VILLAGE}
    return [
        {
            "kind": "lead",
            **own,
            "source": "letter",
            "reference": "函〔2022〕12号",
            "sent_by": "310115",
            "received_at": AT,
        },
        {"kind": "lead-not-found", **step, "done_at": AT},
        {"kind": "lead-passed-on", **step, "to_division_code": VILLAGE},
        {"kind": "lead-landed", **step, "division_code": VILLAGE},
        {"kind": "lead-closed", **step, **closed},
        {"kind": "need", **own, "need": "medicine", "asked_at": AT},
        {"kind": "need-met", "asked": need, "done_at": LATER, "done_by": "worker-1"},
    ]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(sorted(KINDS))
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A right record in which some fields were replaced, at any depth."""
    record: Any = json.loads(json.dumps(draw(st.sampled_from(one_of_each()))))
    for _ in range(draw(st.integers(1, 3))):
        part: Any = record
        while True:
            key = draw(st.sampled_from(sorted(part)) if isinstance(part, dict) else st.integers(0, len(part) - 1))
            inside = part[key]
            if not (isinstance(inside, dict | list) and inside and draw(st.booleans())):
                break
            part = inside
        part[key] = draw(JSON)
    assert isinstance(record, dict)
    return record
