"""What the chassis tests share: a log without topics, the command `gridward`, plain log lines (traces take long)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from contracts.topics import heard_by
from services.__main__ import main
from services.chassis import logs
from services.chassis.topics import admin, make_topics
from tests.chassis.rig import KEY
from tests.servers import Background


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure("INFO")


@pytest.fixture
def fresh_kafka(background: Background, kafka: str) -> str:
    """Bootstrap servers of a broker without the topics of earlier tests; what groups had read goes with them."""
    background.run(forget_all(kafka))
    background.run(others_ran(kafka))
    return kafka


async def others_ran(kafka: str) -> None:
    """The topics that intake hears are there, as if their producers had run once."""
    await make_topics(kafka, heard_by("intake"), 1)


async def forget_all(kafka: str) -> None:
    async with admin(kafka) as client:
        while names := [name for name in await client.list_topics() if not name.startswith("__")]:
            await client.delete_topics(names)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Gridward = Callable[..., Awaitable[Said]]


@pytest.fixture
def gridward(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gridward:
    """The command, on the test's database."""
    monkeypatch.setenv("GRIDWARD_DATABASE", database)
    monkeypatch.setenv("GRIDWARD_TOKEN_KEY", KEY)

    def call() -> int:
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    async def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["gridward", "deadletters", *words])
        capsys.readouterr()
        return Said(await asyncio.to_thread(call), *capsys.readouterr())

    return run
