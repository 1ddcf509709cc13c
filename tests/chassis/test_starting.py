"""A service as a process of its own: asked to end, and refused in words for what an operator has set wrongly."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from deploy.local import Child, start_child
from deploy.local.postgres import Postgres
from services.chassis.running import TRY_AGAIN
from tests.chassis.rig import KEY, until
from tests.chassis.test_rows import a_login, as_login
from tests.servers import Background, in_database

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
    await asyncio.sleep(3 * TRY_AGAIN)
    assert await child.stop(first=signal.SIGINT) == 0
    log = child.log_path.read_text()
    assert log.count("waiting for PostgreSQL") == 1 and "start it, or correct GRIDWARD_DATABASE" in log
    assert "Traceback" not in log


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


NO_DSN = "GRIDWARD_DATABASE is no DSN: write postgresql://"


@pytest.mark.parametrize("dsn", ["postgres//gridward", "postgresql://me:se/cret@host/db", "postgresql://me@[::1/db"])
async def test_a_dsn_that_is_none_is_refused_in_words_without_a_word_of_it(tmp_path: Path, dsn: str) -> None:
    child = a_process(tmp_path, DATABASE=dsn, TOKEN_KEY=KEY)
    assert await child.wait() == 1
    log = child.log_path.read_text()
    assert NO_DSN in log
    assert "Traceback" not in log and "'se'" not in log


@pytest.mark.parametrize(
    "words",
    [
        "deadletters list",
        "deadletters show tracing 1",
        "new-epoch intake",
        "rebuild rollup",
        "relay void alerts 1",
        "forget --days 9 --by me --reason none --dry-run",
    ],
)
@pytest.mark.parametrize(
    ("database_of", "refusal"),
    [
        (lambda dsn: "postgres//gridward", NO_DSN),
        (lambda dsn: in_database(dsn, "nowhere"), 'PostgreSQL refuses (database "nowhere" does not exist): correct'),
    ],
    ids=["no DSN", "no such database"],
)
def test_an_operators_command_says_what_is_wrong_with_the_database(
    postgres: str, words: str, database_of: Callable[[str], str], refusal: str
) -> None:
    given = {"GRIDWARD_DATABASE": database_of(postgres), "GRIDWARD_TOKEN_KEY": KEY, "GRIDWARD_VAULT_KEY": KEY}
    command = [sys.executable, "-m", "services", *words.split()]
    done = subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert refusal in done.stderr
    assert "Traceback" not in done.stderr and "start it" not in done.stderr


async def test_a_wrong_password_is_refused_in_words(
    postgres_server: Postgres, background: Background, tmp_path: Path
) -> None:
    dba = await asyncpg.connect(postgres_server.dsn)
    await dba.execute("create role clerk login password 'right'")
    rules = "values ('local all clerk scram-sha-256'), ('local all all trust')"
    await dba.execute(f"copy ({rules}) to '{await dba.fetchval('show hba_file')}'")
    await dba.close()
    await asyncio.to_thread(background.run, postgres_server.restart())
    child = a_process(tmp_path, DATABASE=as_login(postgres_server.dsn, "clerk", "wrong"), TOKEN_KEY=KEY)
    assert await child.wait() == 1
    log = child.log_path.read_text()
    assert "PostgreSQL refuses (password authentication failed" in log and "correct GRIDWARD_DATABASE" in log
    assert "Traceback" not in log


async def test_a_login_that_may_make_no_schema_is_told_what_a_dba_has_to_run(database: str, tmp_path: Path) -> None:
    async with a_login(database, "createrole") as (login, _):
        child = a_process(tmp_path, DATABASE=as_login(database, login, "p"), TOKEN_KEY=KEY)
        assert await child.wait() == 1
    log = child.log_path.read_text()
    assert f"the login '{login}' may not make the schema intake" in log and "grant create on database" in log
    assert "Traceback" not in log
