"""The four services over rows of several divisions; and for each caller a copy in which nothing else was ever there.

A copy is made by deleting, as the owner, what an oracle of the tree says lies outside: no policy has a say in it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
from pydantic import SecretStr

from contracts.divisions import REPORTING, STATUTORY, Divisions
from contracts.topics import SERVICES
from deploy.play.quiet import until_quiet
from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.web import make_web
from tests.journeys.town import KEY, Doors, Town, town
from tests.servers import in_database
from tests.stores.intake_world import GRID, VILLAGE, one_of_each

VILLAGES = ("330421001001", "330402012001", "330402007024", "110101001001")
SIBLINGS = ("330421001002001", "330421001002002")
"""Two grids of one village, in which nothing else is recorded."""
PLACES = (*VILLAGES, *SIBLINGS)
CALLERS = ("330421", "330402012001", "3304J1", SIBLINGS[0])
"""A county, a village, a functional area that takes the village, and a grid beside another of its village."""
NOW = "2022-03-06T12:00:00+08:00"
ALL_ROLES = frozenset({"operator", "sender", "worker", "leader", "identity-reader", "resident"})
_DIVIDED = """
select table_schema, table_name, column_name from information_schema.columns
 where table_schema = any($1) and column_name = 'division_code' and table_name not in ('figures', 'facts')"""

_LEFT_OVER = """
delete from intake.vault_accesses where person_id not in (select person_id from intake.vault_persons);
delete from intake.vault_keys where owner_id not in (
    select person_id from intake.vault_persons union all select dwelling_id from intake.vault_dwellings);
delete from intake.vault_words where owner_id not in (
    select person_id from intake.vault_persons union all select dwelling_id from intake.vault_dwellings)"""


def inside(caller: str, code: str) -> bool:
    """Whether a division is the caller's by either tree."""
    return any(Divisions.load().covers(caller, code, tree) for tree in (STATUTORY, REPORTING))


class World:
    """Services on one database, and who may ask."""

    def __init__(self, dsn: str, apps: dict[str, App]) -> None:
        self.dsn, self.apps, self.looks = dsn, apps, 0
        self._doors = Doors({name: httpx.ASGITransport(make_web(app, Health(name))) for name, app in apps.items()})

    async def forget_looks(self) -> None:
        """Those written since the world was made: other callers' are no rows of the copies."""
        await self.apps["intake"].pool.execute("delete from vault_accesses where access_id > $1", self.looks)

    async def count_looks(self) -> None:
        self.looks = await self.apps["intake"].pool.fetchval("select coalesce(max(access_id), 0) from vault_accesses")

    def routes(self) -> set[tuple[str, str]]:
        """(service, path) of everything that may be read, pages apart."""
        webs = {name: make_web(app, Health(name)) for name, app in self.apps.items()}
        return {
            (name, path) for name, web in webs.items() for path, may in web.openapi()["paths"].items() if "get" in may
        }

    async def ask(self, token: str, service: str, path: str, **query: Any) -> tuple[int, Any]:
        """Status and body, its keys in order (rows come in any); the method is `post` where a body is given as json."""
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=self._doors, headers=headers) as client:
            body = query.pop("json", None)
            if body is None:
                answer = await client.get(f"http://{service}{path}", params=query)
            else:
                answer = await client.post(f"http://{service}{path}", json=body)
        is_json = answer.headers["content-type"].startswith("application/json")
        return answer.status_code, json.dumps(
            answer.json(), sort_keys=True, ensure_ascii=False
        ) if is_json else answer.text


def token_for(division: str, roles: frozenset[str] = ALL_ROLES, name: str = "desk") -> str:
    return make_token(KEY, name, roles, division)


@asynccontextmanager
async def world_on(dsn: str) -> AsyncIterator[World]:
    """On tables that are there already."""
    settings = Settings(
        database=dsn, token_key=KEY, vault_key=SecretStr(KEY.get_secret_value()), clock="stage", database_connections=2
    )
    async with AsyncExitStack() as stack:
        apps = {}
        for name in SERVICES:
            service = import_module(f"services.{name}.service").SERVICE
            pool = await open_pool(name, service.schema, settings)
            stack.push_async_callback(pool.close)
            apps[name] = App(service, settings, pool)
        world = World(dsn, apps)
        await world.count_looks()
        yield world


def grid_of(place: str) -> str:
    """A village's first grid; a grid itself."""
    return place if len(place) == len(GRID) else f"{place}001"


def _records(n: int, village: str) -> list[dict[str, Any]]:
    """One of each kind about two people of that place alone."""
    text = json.dumps(one_of_each(10 * n + 1, 10 * n + 2))
    text = text.replace(GRID, grid_of(village)).replace(f'"{VILLAGE}"', f'"{village}"')
    for word in ("r-", "visit-", "tube-", "order-", "stay-", "door-", "hospital-", "worker-"):
        text = text.replace(f'"{word}', f'"{word}{n}-')
    records = [record for record in json.loads(text) if record["kind"] != "same-person"]
    renamed = {record["source_id"]: f"{village}-{place}" for place, record in enumerate(records)}
    for record in records:
        for named in (record, record.get("lead"), record.get("asked")):
            if named:
                named["source_id"] = renamed[named["source_id"]]
    return records


async def fill(stage: Town) -> None:
    """Every kind of record, a key, a post in each place; nothing of one place names another."""
    async with stage.client() as client:
        clock = {"feed": "stage", "source_id": "1", "kind": "stage-time", "division_code": "33", "to_at": NOW}
        (await client.post("http://intake/records", json=clock)).raise_for_status()
        for n, village in enumerate(PLACES):
            grids = f"code,name\n{grid_of(village)},g\n"
            (await client.post("http://intake/grids", content=grids)).raise_for_status()
            post = {"post_id": f"post-{village}", "line": "health", "division_code": village, "title": "t"}
            (await client.post("http://alerts/posts", content=json.dumps(post))).raise_for_status()
            if village in VILLAGES:  # a key is for a village and more
                key = {"feed": "lab", "divisions": [village]}
                (await client.post("http://intake/keys", json=key)).raise_for_status()
            records = _records(n, village)
            changed = [{**one, "revision": 2, "temperature_celsius": 36.9} for one in records if one["kind"] == "visit"]
            lines = "\n".join(map(json.dumps, [*records, *changed]))
            headers = {"content-type": "application/x-ndjson"}
            (await client.post("http://intake/records", content=lines, headers=headers)).raise_for_status()
        await until_quiet(client, stage.urls)
        for one in await stage.courier.apps["intake"].pool.fetch("select person_id from vault_persons"):
            asked = {"purpose": "care", "person_ids": [one[0]]}
            reader = {"authorization": f"Bearer {token_for('')}"}
            (await client.post("http://intake/people/openings", json=asked, headers=reader)).raise_for_status()


async def keep_only(dsn: str, caller: str) -> None:
    """Delete every row that lies outside the caller's division."""
    db = await asyncpg.connect(dsn)
    for schema, table, column in await db.fetch(_DIVIDED, list(SERVICES)):
        codes = [
            row[0] for row in await db.fetch(f"select distinct {column} from {schema}.{table} where {column} <> ''")
        ]
        outside = [code for code in codes if not inside(caller, code)]
        await db.execute("set session_replication_role = replica")  # no foreign key holds a post back
        await db.execute(f"delete from {schema}.{table} where {column} = any($1)", outside)
    await db.execute(
        "delete from alerts.messages m where not exists (select from alerts.posts p where p.post_id = m.post_id)"
    )
    await db.execute(
        "delete from intake.grids where not code = any($1)", [grid_of(v) for v in PLACES if inside(caller, v)]
    )
    await db.execute("delete from intake.api_keys where not divisions <@ $1", [v for v in PLACES if inside(caller, v)])
    await db.execute(_LEFT_OVER)
    await db.close()


@asynccontextmanager
async def worlds(postgres: str, database: str) -> AsyncIterator[tuple[World, dict[str, World]]]:
    """The full one, and by caller the one that holds the caller's rows alone."""
    async with town(database) as stage:
        await fill(stage)
    dba = await asyncpg.connect(postgres)
    names = {caller: f"{urlsplit(database).path[1:]}_{n}" for n, caller in enumerate(CALLERS)}
    try:
        for caller, name in names.items():
            await dba.execute(f"create database {name} template {urlsplit(database).path[1:]}")
            await keep_only(in_database(postgres, name), caller)
        async with AsyncExitStack() as stack:
            full = await stack.enter_async_context(world_on(database))
            alone = {c: await stack.enter_async_context(world_on(in_database(postgres, n))) for c, n in names.items()}
            yield full, alone
    finally:
        for name in names.values():
            await dba.execute(f"drop database if exists {name} with (force)")
        await dba.close()


async def people_of(world: World) -> Sequence[str]:
    return [row[0] for row in await world.apps["intake"].pool.fetch("select person_id from vault_persons order by 1")]


async def both(one: Any, other: Any) -> tuple[Any, Any]:
    first, second = await asyncio.gather(one, other)
    return first, second
