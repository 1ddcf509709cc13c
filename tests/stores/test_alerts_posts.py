"""Who holds a post and how they are reached lies encrypted, and can be read after the keys were turned."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.alerts.service import SERVICE
from services.chassis import own_work
from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.errors import KeyNotKnown
from services.chassis.health import Health
from services.chassis.sealing import Seals
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.ticking import run_once
from services.chassis.web import make_web

TOKEN_KEY = SecretStr("k" * 32)
OLD, NEW = "o" * 32, "n" * 32
POST = {"post_id": "command-3304", "line": "command", "division_code": "3304", "title": "city"}
HELD = POST | {"holder": "Wang Fang", "channel": "mailto:duty@city.example"}


@asynccontextmanager
async def started(database: str, vault_key: str | None) -> AsyncIterator[tuple[App, httpx.AsyncClient]]:
    """Alerts as it starts with this GRIDWARD_VAULT_KEY, and a client of the city's operator."""
    settings = Settings(database=database, token_key=TOKEN_KEY, vault_key=vault_key and SecretStr(vault_key))
    async with await open_pool(SERVICE.name, SERVICE.schema, settings) as pool:
        app = App(SERVICE, settings, pool)
        assert SERVICE.on_start is not None
        await SERVICE.on_start(app)
        transport = httpx.ASGITransport(make_web(app, Health(SERVICE.name)))
        token = make_token(TOKEN_KEY, "duty", frozenset({"operator"}), "3304")
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://alerts", headers=headers) as client:
            yield app, client


async def give(client: httpx.AsyncClient, *given: dict[str, str]) -> httpx.Response:
    return await client.post("/posts", content="\n".join(map(json.dumps, given)))


async def held(app: App) -> tuple[bytes, bytes]:
    async with own_work.reading(app) as turn:
        row: Any = await turn.tx.fetchrow("select holder, channel from posts")
    return row["holder"], row["channel"]


async def test_the_holder_and_channel_of_a_post_are_sealed(database: str) -> None:
    async with started(database, OLD) as (app, client):
        assert (await give(client, HELD)).json() == {"posts": 1}
        holder, channel = await held(app)
    assert b"Wang" not in holder and b"duty" not in channel
    assert Seals({1: OLD.encode()}, b"posts").open(holder, "command-3304") == b"Wang Fang"


async def test_posts_are_sealed_anew_while_two_replicas_serve_and_the_old_key_may_go(database: str) -> None:
    async with started(database, OLD) as (_, client):
        await give(client, HELD)
    async with started(database, f"1:{OLD} 2:{NEW}") as (_, late), started(database, f"2:{NEW} 1:{OLD}") as (app, _):
        assert (await give(late, HELD | {"post_id": "command-33041"})).status_code == 200
        with pytest.raises(KeyNotKnown, match="key version 2"):
            async with started(database, OLD):
                pass
        [tick] = app.ticks[-1:]
        while await run_once(app, tick):
            pass
    async with started(database, f"2:{NEW}") as (app, _):
        rows = await app.pool.fetch("select post_id, holder, channel from posts")
    new = Seals({2: NEW.encode()}, b"posts")
    opened = {(new.open(row["holder"], row["post_id"]), new.open(row["channel"], row["post_id"])) for row in rows}
    assert opened == {(b"Wang Fang", b"mailto:duty@city.example")} and len(rows) == 2


async def test_without_a_key_a_name_is_refused_and_a_post_without_one_is_taken(database: str) -> None:
    async with started(database, None) as (_, client):
        assert (await give(client, POST)).json() == {"posts": 1}
        refused = await give(client, HELD)
        assert refused.status_code == 422 and "GRIDWARD_VAULT_KEY" in refused.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({**POST, "line": "church"}, "line 1: line"),
        ({**POST, "division_code": "3305"}, "outside your division"),
        ({key: POST[key] for key in POST if key != "title"}, "line 1: title"),
    ],
)
async def test_a_wrong_post_is_answered_in_words_and_none_is_kept(
    database: str, line: dict[str, str], words: str
) -> None:
    async with started(database, None) as (app, client):
        answer = await give(client, line)
        assert answer.status_code in (403, 422) and words in answer.text
        async with own_work.reading(app) as turn:
            assert await turn.tx.fetchval("select count(*) from posts") == 0


async def test_a_post_that_stands_twice_in_a_file_is_answered_in_words(database: str) -> None:
    async with started(database, None) as (_, client):
        answer = await give(client, POST, POST | {"post_id": "other"}, POST | {"title": "again"})
        assert answer.status_code == 422 and "command-3304 stands there twice" in answer.text


async def test_clocks_are_shown_within_the_callers_division(database: str) -> None:
    async with started(database, None) as (app, client):
        async with app.pool.acquire() as tx:
            await tx.executemany(
                """insert into clocks values ($1, 1, 'report.case.direct', $1, 'health', $2, null, false, 'missed',
                     '2022-03-05T00:00Z', '2022-03-05T02:00Z', null, 'covid-ed8', 'in_force', null, null, -1)""",
                [("ours", "330421001"), ("theirs", "330502001")],
            )
        shown = (await client.get("/clocks?verdict=missed")).json()
    assert [(clock["clock_id"], clock["edition"]) for clock in shown] == [("ours", "covid-ed8")]
