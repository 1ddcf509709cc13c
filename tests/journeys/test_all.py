"""`gridward all`: the four services on the servers that one has, where one has asked for them."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from contracts.topics import SERVICES
from deploy.fleet import ENDS_WITHIN_SECONDS
from deploy.local.guard import running
from services.chassis.running import PATIENCE
from tests.journeys.processes import KEY
from tests.leftovers import PROJECT, family, until
from tests.servers import Background, address_of, any_kafka


def four_free_ports() -> int:
    """The first of four ports in a row of 127.0.0.1 that nothing listens on."""
    for first in random.SystemRandom().sample(range(12_000, 14_990), 200):  # where `free_port` gives others none
        with ExitStack() as probes:
            try:
                for port in range(first, first + 4):
                    probes.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no four free ports in a row")


@pytest.fixture
def first_port() -> int:
    return four_free_ports()


@contextmanager
def all_of_them(kafka: str, database: str, first_port: int, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`gridward all` of the shell, its output in a file; ended with the block."""
    given = {"KAFKA": kafka, "DATABASE": database, "TOKEN_KEY": KEY, "VAULT_KEY": KEY, "CLOCK": "stage",
             "HTTP_HOST": "localhost", "HTTP_PORT": str(first_port)}  # fmt: skip
    environment = {**os.environ, **{f"GRIDWARD_{name}": value for name, value in given.items()}}
    command = [sys.executable, "-m", "services", "all"]
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def test_all_listens_where_it_was_told_logs_where_one_looks_and_lets_every_service_end(
    background: Background, database: str, tmp_path: Path, first_port: int
) -> None:
    output = tmp_path / "output"
    with background.opened(any_kafka()) as broker:
        with all_of_them(address_of(broker), database, first_port, output) as process:
            seen = f"rollup   http://localhost:{first_port + 3}\n"
            until(lambda: seen in output.read_text() or process.poll() is not None, seen, seconds=90)
            for port, name in enumerate(SERVICES, first_port):
                assert f"{name:8} http://localhost:{port}\n" in output.read_text()
                assert httpx.get(f"http://localhost:{port}/healthz").json()["service"] == name
            pids = family(process.pid)
        said = output.read_text()
        assert process.returncode == 0, said
        for name in SERVICES:
            assert f'"service": "{name}", "url": "http://localhost:' in said
            assert f'"services": ["{name}"], "event": "ending"' in said
        assert "Traceback" not in said
        until(lambda: not any(map(running, pids)), "every process has ended")


def test_a_service_is_given_longer_to_end_than_it_takes() -> None:
    assert ENDS_WITHIN_SECONDS > PATIENCE
