"""The four services on a real broker, a database each, so that one of them can be put back, emptied or left behind.

The story is the sample's; its steps are played on the stage clock, each to quiescence. Commands run as an operator runs
them: `python -m services …` in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from contracts.topics import SERVICES
from deploy.play.quiet import until_quiet
from deploy.play.ways import send
from deploy.sample.timeline import Step, read_timeline
from services.chassis.access import make_token
from services.chassis.running import Running, running
from services.chassis.settings import Settings
from tests.chassis.rig import until
from tests.faults.compared import dump_of, taken_from
from tests.journeys.town import KEY, ROLES
from tests.servers import in_database

_HELD = "select statement, revision from statements union all select statement, 1 from counted where lone"


@dataclass
class City:
    """databases: by service. played: steps so far."""

    kafka: str
    postgres: str
    databases: dict[str, str]
    story: Sequence[Step]
    runs: dict[str, Running] = field(default_factory=dict)
    stacks: dict[str, AsyncExitStack] = field(default_factory=dict)
    played: int = 0

    def settings(self, name: str) -> Settings:
        return Settings(
            kafka=self.kafka, database=self.databases[name], token_key=KEY, vault_key=KEY, clock="stage", http_port=0,
            log_level="ERROR",
        )  # fmt: skip

    async def start(self, *names: str, ready: bool = True) -> None:
        for name in names or [name for name in SERVICES if name not in self.runs]:
            service = import_module(f"services.{name}.service").SERVICE
            stack = AsyncExitStack()
            self.runs[name] = await stack.enter_async_context(running(service, self.settings(name)))
            self.stacks[name] = stack
        if ready:
            await until(self.all_ready, "all ready", 90)

    async def all_ready(self) -> bool:
        return not any(run.health.reasons for run in self.runs.values())

    async def stop(self, *names: str) -> None:
        for name in names or tuple(self.stacks):
            del self.runs[name]
            await self.stacks.pop(name).aclose()

    @property
    def urls(self) -> dict[str, str]:
        return {name: run.url for name, run in self.runs.items()}

    def client(self) -> httpx.AsyncClient:
        token = make_token(KEY, "tester", ROLES)
        return httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60)

    async def load(self, sample: Path) -> None:
        """Grids and posts."""
        async with self.client() as client:
            grids, posts = (sample / "grids.csv").read_bytes(), (sample / "posts.ndjson").read_bytes()
            given = await client.post(
                f"{self.urls['intake']}/grids", content=grids, headers={"content-type": "text/csv"}
            )
            given.raise_for_status()
            (await client.post(f"{self.urls['alerts']}/posts", content=posts)).raise_for_status()

    async def play(self, steps: int) -> None:
        """The next steps of the story, each to quiescence."""
        for _ in range(steps):
            await self.send_step(self.played)
            self.played += 1

    async def send_step(self, number: int, *, backwards: bool = False) -> Counter[str]:
        """The clock to a step, then its records; from the last feed to the first if backwards."""
        step = self.story[number]
        async with self.client() as client:
            await self.post(client, stage_record(number, step))
            await self.quiet(client)
            verdicts = await send(client, self.urls["intake"], step.feeds[::-1] if backwards else step.feeds)
            await self.quiet(client)
        return verdicts

    async def post(self, client: httpx.AsyncClient, record: dict[str, Any]) -> dict[str, Any]:
        answer = await client.post(f"{self.urls['intake']}/records", content=json.dumps(record))
        answer.raise_for_status()
        verdict: dict[str, Any] = answer.json()
        return verdict

    async def quiet(self, client: httpx.AsyncClient) -> None:
        """Until all that runs has heard and done everything."""
        if set(self.runs) == set(SERVICES):
            await until_quiet(client, self.urls)

    async def command(self, *words: str, service: str, code: int = 0) -> str:
        """`gridward …` against the database of a service; what it printed."""
        environment = {
            **os.environ, "GRIDWARD_KAFKA": self.kafka, "GRIDWARD_DATABASE": self.databases[service],
            "GRIDWARD_TOKEN_KEY": KEY.get_secret_value(), "GRIDWARD_VAULT_KEY": KEY.get_secret_value(),
            "GRIDWARD_CLOCK": "stage", "COLUMNS": "200", "NO_COLOR": "1",
        }  # fmt: skip
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "services", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        said = ran.stdout + ran.stderr
        assert ran.returncode == code, said
        assert "Traceback" not in said, said
        return said

    async def back_up(self, name: str) -> None:
        """As a backup of the night before: a copy of the service's database."""
        await self.stop(name)
        bare = _bare(self.databases[name])
        await self.execute(f'drop database if exists "{bare}_old"')
        await self.execute(f'create database "{bare}_old" template "{bare}"')
        await self.start(name)

    async def put_back(self, name: str) -> None:
        """The service stopped and its database as it was backed up."""
        await self.lose(name, f'template "{_bare(self.databases[name])}_old"')

    async def lose(self, name: str, *made_from: str) -> None:
        """The service stopped and its database gone; an empty one in its place, or one made from another."""
        await self.stop(name)
        bare = _bare(self.databases[name])
        await self.execute(f'drop database "{bare}" with (force)')
        await self.execute(f'create database "{bare}" {" ".join(made_from)}')

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgres)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def connected(self, name: str) -> AsyncIterator[Any]:
        """A connection to the tables of a service."""
        connection = await asyncpg.connect(self.databases[name], server_settings={"search_path": name})
        try:
            yield connection
        finally:
            await connection.close()

    async def fetch(self, name: str, sql: str, *args: object) -> list[Any]:
        async with self.connected(name) as connection:
            return list(await connection.fetch(sql, *args))

    async def execute_in(self, name: str, sql: str) -> None:
        async with self.connected(name) as connection:
            await connection.execute(sql)

    async def dump(self, name: str, *without: str) -> dict[str, list[str]]:
        """Every table of a service in order, as text; without wall time and what is not of the log."""
        async with self.connected(name) as connection:
            return await dump_of(connection, *without)

    async def refused(self, name: str) -> str:
        """Why a service that was started is not ready, as /readyz says it."""
        found = ""

        async def says() -> bool:
            nonlocal found
            async with self.client() as client:
                answer = await client.get(f"{self.urls[name]}/readyz")
            found = json.dumps(answer.json()["reasons"])
            return answer.status_code == 503 and "new-epoch" in found

        await until(says, f"{name} refuses")
        return found

    async def taken(self) -> Counter[str]:
        """How often each event of the log is taken by one who reads it all through the fence."""
        return await taken_from(self.kafka)

    async def unheard(self) -> list[str]:
        """Statements of tracing and alerts whose last revision is not the one that rollup holds."""
        held = {row[0]: row[1] for row in await self.fetch("rollup", _HELD)}
        said = {
            f"{kind} {statement}": revision
            for kind, statement, revision in [
                *await self.fetch("tracing", "select type, statement_id, revision from published"),
                *await self.fetch("alerts", "select 'deadline-judged', 'clock:' || clock_id, revision from clocks"),
            ]
        }
        return [
            f"{name}: said {revision}, heard {held[name]}"
            for name, revision in said.items()
            if name in held and held[name] != revision
        ]


def stage_record(number: int, step: Step) -> dict[str, Any]:
    return {
        "feed": "stage", "source_id": f"step-{number}", "kind": "stage-time", "division_code": "33",
        "to_at": step.at.isoformat(), "running": False,
    }  # fmt: skip


def _bare(dsn: str) -> str:
    return dsn.partition("?")[0].rpartition("/")[2]


@asynccontextmanager
async def city(kafka: str, postgres: str, name: str, sample: Path) -> AsyncIterator[City]:
    """All four running, grids and posts loaded, nothing played."""
    databases = {service: in_database(postgres, f"{name}_{service}") for service in SERVICES}
    here = City(kafka, postgres, databases, read_timeline(sample))
    for dsn in databases.values():
        await here.execute(f'create database "{_bare(dsn)}"')
    try:
        await here.start()
        await here.load(sample)
        yield here
    finally:
        await here.stop()
        for dsn in databases.values():
            for bare in (_bare(dsn), f"{_bare(dsn)}_old"):
                await here.execute(f'drop database if exists "{bare}" with (force)')
