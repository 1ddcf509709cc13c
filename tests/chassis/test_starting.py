"""A service as a process of its own: asked to end, and refused in words for what an operator has set wrongly."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from deploy.local import Child, start_child
from tests.chassis.rig import KEY, until

PROGRAM = """
import sys
from services.chassis.running import main
from services.chassis.settings import Settings
from tests.chassis.rig import INTAKE
sys.exit(main([(INTAKE, Settings.from_environment())]))
"""


def a_process(tmp_path: Path, **given: str) -> Child:
    """intake of the rig. given: settings, in capitals and without their prefix."""
    environment = {**os.environ, **{f"GRIDWARD_{name}": value for name, value in given.items()}}
    return start_child([sys.executable, "-c", PROGRAM], environment, tmp_path / "intake.log")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_ends_cleanly_when_asked(
    database: str, fresh_kafka: str, tmp_path: Path, ending: signal.Signals
) -> None:
    child = a_process(tmp_path, KAFKA=fresh_kafka, DATABASE=database, TOKEN_KEY=KEY, HTTP_PORT="0", CLOCK="stage")

    async def at_work() -> bool:
        return "made topics" in child.log_path.read_text()

    await until(at_work, "the process is at work")
    assert await child.stop(first=ending) == 0
    log = child.log_path.read_text()
    assert "ending" in log
    assert "Traceback" not in log


async def test_a_process_that_waits_for_postgresql_ends_cleanly_when_asked(tmp_path: Path) -> None:
    child = a_process(tmp_path, DATABASE="postgresql://nobody@127.0.0.1:1/gridward", TOKEN_KEY=KEY)

    async def waits() -> bool:
        return "waiting for PostgreSQL" in child.log_path.read_text()

    await until(waits, "the process waits")
    assert await child.stop(first=signal.SIGINT) == 0
    assert "Traceback" not in child.log_path.read_text()


async def test_a_refusal_ends_the_process_in_words(tmp_path: Path) -> None:
    child = a_process(tmp_path)
    assert await child.wait() == 1
    log = child.log_path.read_text()
    assert "GRIDWARD_DATABASE: Field required" in log


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "is taken: set GRIDWARD_HTTP_PORT to another"),
        ("192.0.2.1", "correct GRIDWARD_HTTP_HOST or GRIDWARD_HTTP_PORT"),  # of no machine (RFC 5737)
    ],
)
async def test_a_port_that_cannot_be_had_is_refused_in_words(
    database: str, tmp_path: Path, host: str, words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        child = a_process(tmp_path, DATABASE=database, TOKEN_KEY=KEY, HTTP_HOST=host, HTTP_PORT=port)
        assert await child.wait() == 1
    log = child.log_path.read_text()
    assert f"port {port} of {host}" in log and words in log
    assert "Traceback" not in log
