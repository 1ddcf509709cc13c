"""HTTP of a service without Kafka: who may ask, what fails in words, what a route's transaction keeps."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError
from fastapi import APIRouter, Depends
from prometheus_client import REGISTRY
from pydantic import SecretStr

from services.chassis import own_work
from services.chassis.access import COOKIE, Caller, make_token, read_token
from services.chassis.database import open_pool
from services.chassis.errors import NotAllowed, NotSignedIn, WrongSettings
from services.chassis.health import Health, kafka_trouble
from services.chassis.service import App, Service
from services.chassis.settings import Settings
from services.chassis.web import make_web
from tests.chassis.rig import KEY, a_result, settings

SECRET = SecretStr(KEY)


def routes(app: App) -> APIRouter:
    router = APIRouter()

    @router.get("/me")
    async def me(caller: Caller = Depends(app.caller)) -> str:  # noqa: B008
        caller.require("operator")
        caller.require_division("3304")
        return caller.name

    @router.post("/say")
    async def say(fail: bool = False) -> str:
        async with own_work.transaction(app) as turn:
            turn.say([a_result(1)])
            await turn.tx.execute("insert into said values ($1)", turn.now)
            if fail:
                raise NotAllowed("not today")
        return "said"

    return router


SERVICE = Service("intake", "create table if not exists said (at timestamptz)", routes=routes)


@asynccontextmanager
async def served(database: str, **others: str) -> AsyncIterator[tuple[httpx.AsyncClient, App, Health]]:
    given = settings(database, **others)
    pool = await open_pool(SERVICE.name, SERVICE.schema, given)
    app, health = App(SERVICE, given, pool), Health("intake")
    transport = httpx.ASGITransport(make_web(app, health))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        yield client, app, health
    await pool.close()


def bearer(**others: object) -> dict[str, str]:
    given = {"name": "desk", "roles": frozenset({"operator"}), "division": "33", **others}
    return {"Authorization": f"Bearer {make_token(SECRET, **given)}"}  # type: ignore[arg-type]


async def test_who_asks_must_be_signed_in_with_the_role_and_the_division(database: str) -> None:
    async with served(database) as (client, _, _):
        assert (await client.get("/me", headers=bearer())).json() == "desk"
        client.cookies.set(COOKIE, bearer()["Authorization"][7:])
        assert (await client.get("/me")).status_code == 200
        client.cookies.clear()
        for headers, status, words in (
            ({}, 401, "gridward token"),
            ({"Authorization": "Bearer nonsense"}, 401, "sign in again"),
            (bearer(hours=-1), 401, "sign in again"),
            (bearer(roles=frozenset()), 403, "needs the role 'operator'"),
            (bearer(division="3301"), 403, "lies outside yours"),
        ):
            answer = await client.get("/me", headers=headers)
            assert answer.status_code == status
            assert words in answer.json()["detail"]


def test_a_token_of_another_key_names_nobody() -> None:
    token = make_token(SecretStr("x" * 32), "desk", frozenset())
    with pytest.raises(NotSignedIn):
        read_token(SECRET, token)


@pytest.mark.parametrize(
    ("own", "asked", "seen"), [("", "33", True), ("33", "330421", True), ("3304", "33", False), ("3304", "3305", False)]
)
def test_a_caller_sees_her_own_division_and_all_below_it(own: str, asked: str, seen: bool) -> None:
    assert Caller("desk", frozenset(), own).may_see(asked) is seen


async def test_what_a_route_says_goes_out_exactly_if_it_commits(database: str) -> None:
    async with served(database) as (client, app, _):
        assert (await client.post("/say?fail=1")).status_code == 403
        counts = "select (select count(*) from said), (select count(*) from outbox)"
        assert tuple(await app.pool.fetchrow(counts)) == (0, 0)
        assert not app.wake_relay.is_set()
        assert (await client.post("/say")).status_code == 200
        assert tuple(await app.pool.fetchrow(counts)) == (1, 1)
        assert app.wake_relay.is_set()


async def test_a_reading_neither_writes_nor_says(database: str) -> None:
    async with served(database) as (_, app, _):
        with pytest.raises(Exception, match="read-only transaction"):
            async with own_work.reading(app) as turn:
                await turn.tx.execute("insert into said values (now())")
        with pytest.raises(RuntimeError, match="use transaction"):
            async with own_work.reading(app) as turn:
                turn.say([a_result(1)])


async def test_now_is_told_by_the_stage_and_else_by_the_wall(database: str) -> None:
    async with served(database) as (_, app, _), own_work.reading(app) as turn:
        assert turn.now == datetime.fromisoformat("2020-01-01T00:00:00+08:00")
    async with served(database, clock="wall") as (_, app, _), own_work.reading(app) as turn:
        assert abs((datetime.now(UTC) - turn.now).total_seconds()) < 60


async def test_readiness_says_why_not(database: str) -> None:
    async with served(database) as (client, app, health):
        assert (await client.get("/readyz")).status_code == 200
        health.unwell("lane tests/2", "numbers 3-4 are missing")
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, {"lane tests/2": "numbers 3-4 are missing"})
        health.well("lane tests/2")
        await app.pool.close()
        assert "GRIDWARD_DATABASE" in (await client.get("/readyz")).json()["reasons"]["database"]
        assert (await client.get("/books")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_the_books_count_what_waits_and_what_is_undone(database: str) -> None:
    async with served(database) as (client, _, _):
        await client.post("/say")
        book = (await client.get("/books")).json()
    assert (book["service"], book["waiting"], book["pending"]) == ("intake", 1, 0)
    assert not any(book["positions"].values())
    assert book["lanes"]["tests/0"] == 0


async def test_every_metric_of_the_chassis_is_served_with_its_reason(database: str) -> None:
    async with served(database) as (client, _, _):
        text = (await client.get("/metrics")).text
    ours = [metric for metric in REGISTRY.collect() if metric.name.startswith("gridward_")]
    assert len(ours) > 10
    for metric in ours:
        assert f"# HELP {metric.name}" in text
        assert metric.documentation.endswith(".")


def test_settings_come_from_the_environment_or_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWARD_TOKEN_KEY", "short")
    with pytest.raises(WrongSettings, match=r"(?s)GRIDWARD_DATABASE: Field required.*GRIDWARD_TOKEN_KEY: .*32"):
        Settings.from_environment()
    monkeypatch.setenv("GRIDWARD_TOKEN_KEY", KEY)
    monkeypatch.setenv("GRIDWARD_DATABASE", "postgresql://gridward:secret@db/gridward")
    given = Settings.from_environment()
    assert "secret" not in repr(given) + str(given)
    assert KEY not in repr(given)


def test_an_absent_kafka_is_told_in_the_same_words_each_time_so_once() -> None:
    told = {kafka_trouble(KafkaConnectionError(f"Unable to bootstrap from {them}")) for them in ("[a, b]", "[b, a]")}
    assert len(told) == 1


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_a_token_that_was_read_before_is_refused_once_it_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    key, now = SecretStr("k" * 40), time.time()
    token = make_token(key, "duty", frozenset({"operator"}), "33", hours=1)
    assert read_token(key, token).name == "duty"
    monkeypatch.setattr(time, "time", lambda: now + 3_601)
    with pytest.raises(NotSignedIn, match="expired"):
        read_token(key, token)
