"""The servers under test: the real Kafka that this machine can give, and a real PostgreSQL, as fixtures for every test.

Kafka: a container where a Docker engine answers; else Apache Kafka as a process (Java 17 and Maven); else the
embedded broker, and `left_out()` says aloud what that cannot prove. GRIDWARD_TEST_BROKER=docker|apache|embedded decides
otherwise; with GRIDWARD_TEST_WHOLE=1 the embedded one is not enough. PostgreSQL: GRIDWARD_TEST_DATABASE (a DSN whose
user may create databases), else a container beside Docker's Kafka, else the wheel. All fixtures are plain ones: a
test's event loop is its own, the servers live in another.
"""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from deploy.local.apache import apache_kafka, what_is_missing
from deploy.local.broker import embedded_broker
from deploy.local.postgres import Postgres, embedded_postgres
from tests.containers import docker_kafka, docker_postgres, docker_reachable

T = TypeVar("T")
BROKERS = ("docker", "apache", "embedded")
WHOLE = os.environ.get("GRIDWARD_TEST_WHOLE", "") not in ("", "0")
"""Nothing may be left out because a server or a browser is missing: then the tests that need it fail."""


class KafkaServer(Protocol):
    """A Kafka that a fault test may hurt, from any event loop; `kafka` (bootstrap servers) and the data stay."""

    kafka: str

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def kill(self) -> None: ...

    async def restart(self) -> None: ...


@cache
def chosen_broker() -> str:
    """One of `BROKERS`: the one asked for, else the best that this machine can give."""
    asked = os.environ.get("GRIDWARD_TEST_BROKER", "")
    if asked:
        if asked not in BROKERS:
            raise pytest.UsageError(f"GRIDWARD_TEST_BROKER is {asked!r}: give one of {', '.join(BROKERS)}, or unset it")
        return asked
    if docker_reachable():
        return "docker"
    if WHOLE and what_is_missing():
        raise pytest.UsageError(f"GRIDWARD_TEST_WHOLE is set: start a Docker engine, or install {what_is_missing()}")
    return "embedded" if what_is_missing() else "apache"


def left_out() -> str:
    """What the chosen broker cannot prove, and what to install so that it can; "" when nothing is left out."""
    if chosen_broker() != "embedded":
        return ""
    missing = what_is_missing()
    remedy = f"start a Docker engine, or install {missing}" if missing else "unset GRIDWARD_TEST_BROKER"
    return (
        "The tests run on the embedded broker, which keeps nothing. Left out: every test that kills, stops or restarts "
        f"the broker (fixture kafka_server), and so promise 1 for Kafka. To run them: {remedy}."
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was left out where nobody can miss it, under the results."""
    if left_out():
        terminalreporter.section("left out", yellow=True, bold=True)
        terminalreporter.line(left_out())


class Background:
    """An event loop in a thread of its own, for what lives longer than one test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs it there; waits for the result here."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    @contextmanager
    def opened(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """An async context manager, entered and left there."""
        value = self.run(_enter(manager))
        try:
            yield value
        finally:
            self.run(_leave(manager))

    def close(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _enter(manager: AbstractAsyncContextManager[T]) -> T:
    return await manager.__aenter__()


async def _leave(manager: AbstractAsyncContextManager[T]) -> None:
    await manager.__aexit__(None, None, None)


@asynccontextmanager
async def any_kafka() -> AsyncIterator[KafkaServer | str]:
    """A running broker of the chosen kind: one that can be hurt, or the embedded one's bootstrap servers."""
    if chosen_broker() == "embedded":
        async with embedded_broker() as broker:
            yield broker.kafka
        return
    async with apache_kafka() if chosen_broker() == "apache" else docker_kafka() as server:
        yield server


def address_of(broker: KafkaServer | str) -> str:
    """Its bootstrap servers."""
    return broker if isinstance(broker, str) else broker.kafka


@asynccontextmanager
async def any_postgres() -> AsyncIterator[str]:
    """The DSN of the PostgreSQL given, or of one started for this run."""
    given = os.environ.get("GRIDWARD_TEST_DATABASE", "")
    if given:
        yield given
    elif chosen_broker() == "docker":
        async with docker_postgres() as dsn:
            yield dsn
    else:
        async with embedded_postgres() as server:
            yield server.dsn


def in_database(dsn: str, name: str) -> str:
    """`dsn` with another database's name."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    """The loop of the servers."""
    loop = Background()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def postgres(background: Background) -> Iterator[str]:
    """DSN of a server for the whole run; its user may create databases and roles."""
    with background.opened(any_postgres()) as dsn:
        yield dsn


@pytest.fixture
def database(background: Background, postgres: str) -> Iterator[str]:
    """DSN of an empty database for one test, dropped afterwards whoever is still connected."""
    name = f"test_{uuid.uuid4().hex}"
    background.run(_execute(postgres, f"create database {name}"))
    yield in_database(postgres, name)
    background.run(_execute(postgres, f"drop database {name} with (force)"))


@pytest.fixture
def postgres_server(background: Background) -> Iterator[Postgres]:
    """A PostgreSQL for this test alone, to be stopped, killed and restarted from any event loop."""
    with background.opened(embedded_postgres()) as server:
        yield server


@pytest.fixture(scope="session")
def _kafka(background: Background) -> Iterator[KafkaServer | str]:
    with background.opened(any_kafka()) as server:
        yield server


@pytest.fixture(scope="session")
def kafka(_kafka: KafkaServer | str) -> str:
    """Bootstrap servers of a broker for the whole run; it makes no topic by itself."""
    return address_of(_kafka)


@pytest.fixture
def kafka_server(background: Background, _kafka: KafkaServer | str) -> Iterator[KafkaServer]:
    """The same broker, to be stopped, killed and restarted; running again after the test. Skips on the embedded one."""
    if isinstance(_kafka, str):
        pytest.skip(left_out())
    yield _kafka
    background.run(_kafka.start())
