"""The servers of a run, databases in them, and processes of ours and of others beside them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
from pydantic import SecretStr

from benchmarks.measure import BenchError
from contracts.topics import TOPICS
from deploy.fleet import Fleet, fleet
from deploy.local import Child, Stack, free_port, start_child
from deploy.local.apache import apache_kafka
from deploy.local.children import scratch_directory
from deploy.local.postgres import embedded_postgres
from deploy.play.stage import make_upstream_topic
from deploy.run import environment_of
from services.chassis.access import make_token
from services.chassis.topics import make_topics

ROLES = frozenset({"sender", "operator"})
PROJECT = Path(__file__).parents[1]
KAFKA_VERSION = "4.1.2"  # of deploy/kafka/pom.xml


@dataclass(frozen=True)
class Lab:
    """Running servers; `environment`: the settings of `make run` on them, database `postgres`."""

    kafka: str
    database: str
    environment: Mapping[str, str]
    token: str
    directory: Path

    @asynccontextmanager
    async def own_database(self, name: str) -> AsyncIterator[str]:
        """The DSN of an empty database, dropped after the block."""
        await self._administer(f"create database {name}")
        try:
            yield urlunsplit(urlsplit(self.database)._replace(path=f"/{name}"))
        finally:
            await self._administer(f"drop database {name} with (force)")

    @asynccontextmanager
    async def service(self, name: str, database: str) -> AsyncIterator[tuple[str, Child]]:
        """One service of ours as `gridward NAME` starts it: its URL, and its process. It is not waited for."""
        port = free_port()
        own = {"GRIDWARD_DATABASE": database, "GRIDWARD_HTTP_PORT": str(port)}
        command = [sys.executable, "-m", "services", name]
        child = start_child(command, {**os.environ, **self.environment, **own}, self.directory / f"{name}.log")
        try:
            yield f"http://127.0.0.1:{port}", child
        finally:
            await child.stop(patience=30.0)

    @asynccontextmanager
    async def services(self) -> AsyncIterator[Fleet]:
        """The four services, ready, as `make run` starts them. Raises BenchError when one ends by itself."""
        async with fleet(self.environment, self.directory) as running:
            try:
                yield running
            except (httpx.TransportError, OSError, EOFError) as error:
                dead = [name for name, child in running.children.items() if not child.running()]
                raise BenchError(
                    "\n".join(map(running.obituary, dead)) or f"a service does not answer: {error!r}"
                ) from error

    @asynccontextmanager
    async def peer(self, name: str, python: str = sys.executable, **settings: object) -> AsyncIterator[Child]:
        """benchmarks/peers/NAME.py with `settings` as its environment, beside KAFKA and TOPIC."""
        own = {"KAFKA": self.kafka, "STATE": str(self.directory), **{key: str(each) for key, each in settings.items()}}
        command = [python, str(PROJECT / "benchmarks" / "peers" / f"{name}.py")]
        child = start_child(command, {**os.environ, **own}, self.directory / f"{name}.log")
        try:
            yield child
        finally:
            await child.stop()

    async def told_by(self, name: str, python: str = sys.executable, **settings: object) -> float:
        """Records a second, as a peer that ends by itself prints it in its last line."""
        async with self.peer(name, python, **settings) as child:
            if await child.wait():
                raise BenchError(f"{name} failed:\n{child.log_tail()}")
            told = json.loads(child.log_tail(1))
        return float(told["records"] / told["seconds"])

    def client(self) -> httpx.AsyncClient:
        """A client that may do everything."""
        return httpx.AsyncClient(headers={"authorization": f"Bearer {self.token}"}, timeout=120.0)

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self.database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def ready(url: str) -> None:
    """Waits until it answers 200. TimeoutError after a minute."""
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            if await _answers(client, url):
                return
            await asyncio.sleep(0.05)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def lab() -> AsyncIterator[Lab]:
    """Apache Kafka and PostgreSQL on this machine, the product's topics made; all gone after the block."""
    with scratch_directory() as directory:
        async with embedded_postgres() as postgres, apache_kafka() as kafka:
            token_key, vault_key = secrets.token_hex(32), secrets.token_hex(32)
            stack = Stack(kafka.kafka, postgres.dsn, ())
            await make_topics(kafka.kafka, TOPICS, -1)
            token = make_token(SecretStr(token_key), "bench", ROLES)
            environment = environment_of(stack, token_key, vault_key)
            await make_upstream_topic(kafka.kafka)
            yield Lab(kafka.kafka, postgres.dsn, environment, token, directory)
