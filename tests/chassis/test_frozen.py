"""PostgreSQL that neither answers nor goes away: what is said of it, and that a process ends all the same."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.local import Child, start_child
from deploy.local.postgres import Postgres
from tests.chassis.rig import KEY, until
from tests.leftovers import family

PROGRAM = """
import sys
from services.chassis import ending, running
from services.chassis.settings import Settings
from tests.chassis.rig import INTAKE
ending.CUT_OFF, running.PATIENCE = float(sys.argv[1]), float(sys.argv[2])
sys.exit(running.main([(INTAKE, Settings.from_environment())]))
"""


def a_process(tmp_path: Path, dsn: str, kafka: str, cut_off: float, patience: float) -> Child:
    given = {"DATABASE": dsn, "KAFKA": kafka, "TOKEN_KEY": KEY, "HTTP_PORT": "0", "CLOCK": "stage"}
    environment = {**os.environ, **{f"GRIDWARD_{name}": value for name, value in given.items()}}
    words = [sys.executable, "-c", PROGRAM, str(cut_off), str(patience)]
    return start_child(words, environment, tmp_path / "intake.log")


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """Every process of the server stopped: connections stay, and nothing is answered."""
    pids = [str(pid) for pid in family(server.child.pid)]
    subprocess.run(["kill", "-STOP", *pids], check=True)
    try:
        yield
    finally:
        subprocess.run(["kill", "-CONT", *pids], check=False)


async def serving(child: Child) -> str:
    """Its address, as soon as it has one."""

    async def there() -> bool:
        return '"event": "serving"' in child.log_tail(100)

    await until(there, "it serves")
    found = re.search(r'"url": "([^"]+)"', child.log_tail(100))
    assert found
    return found[1]


def readiness(url: str) -> tuple[int, dict[str, str], float]:
    """Status, reasons and seconds of /readyz."""
    began = time.monotonic()
    answer = httpx.get(f"{url}/readyz", timeout=20)
    return answer.status_code, answer.json()["reasons"], time.monotonic() - began


def metrics_of(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=10).text


async def test_readiness_and_metrics_tell_of_a_database_that_hangs_and_all_is_well_again_afterwards(
    postgres_server: Postgres, fresh_kafka: str, tmp_path: Path
) -> None:
    child = a_process(tmp_path, postgres_server.dsn, fresh_kafka, cut_off=20, patience=20)
    url = await serving(child)

    async def ready() -> bool:
        return readiness(url)[0] == 200

    await until(ready, "it is ready")
    with frozen(postgres_server):
        for status, reasons, seconds in await asyncio.gather(*(asyncio.to_thread(readiness, url) for _ in range(12))):
            assert (status, seconds < 10) == (503, True)
            assert "PostgreSQL does not answer" in reasons["database"]
        assert 'gridward_ready{service="intake"} 0.0' in await asyncio.to_thread(metrics_of, url)
    await until(ready, "it is ready again")
    assert await child.stop() == 0


async def test_a_process_that_waits_for_a_database_that_hangs_is_cut_off_and_says_so(
    postgres_server: Postgres, fresh_kafka: str, tmp_path: Path
) -> None:
    child = a_process(tmp_path, postgres_server.dsn, fresh_kafka, cut_off=3, patience=1)
    url = await serving(child)
    with frozen(postgres_server):
        assert readiness(url)[0] == 503
        child.signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), 15) == 1
    log = child.log_tail(100)
    last = json.loads(log.splitlines()[-1])
    assert (last["event"], last["level"]) == ("cut off", "critical")
    assert "Traceback" not in log


async def test_a_request_that_waits_at_the_end_for_a_database_that_hangs_is_let_go(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    """Kafka is away, so nothing but HTTP has asked the database."""
    child = a_process(tmp_path, postgres_server.dsn, "127.0.0.1:1", cut_off=20, patience=1)
    url = await serving(child)
    with frozen(postgres_server):
        assert readiness(url)[0] == 503
        child.signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), 15) == 0
    assert "Traceback" not in child.log_tail(100)
