"""kill -9 at every statement of admission, and between the commit and the answer: nothing lost, nothing doubled.

Each time another replica of intake is caught behind a lock in its transaction and killed there; the sender, who has
heard nothing, sends the same batch again to the next one. The ledger is looked at after every step.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import Signals
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import httpx
from pydantic import SecretStr

from deploy.local import Child, free_port, start_child
from services.chassis.access import make_token
from tests.chassis.conftest import forget_all
from tests.faults.chaos.waiting import until
from tests.faults.chaos.windows import Caught, caught_behind, held
from tests.stores.intake_world import GRID, a_household, a_test

KEY = secrets.token_hex(20)
TOKEN = make_token(SecretStr(KEY), "sender", frozenset({"sender"}))


class Step(NamedTuple):
    """A lock on `table` in `mode`, behind which a replica waits in `statement`.

    corrects: whether the batch corrects an earlier record, which is written before what is new.
    """

    table: str
    mode: str
    statement: str
    corrects: bool = True


STEPS = (
    Step("records", "exclusive", "from records"),
    Step("vault_keys", "share", "insert into vault_keys"),
    Step("vault_persons", "share", 'COPY "vault_persons"'),
    Step("vault_words", "share", 'COPY "vault_words"'),
    Step("vault_dwellings", "share", 'COPY "vault_dwellings"'),
    Step("records", "share", "update records"),
    Step("records", "share", 'COPY "records"', corrects=False),
    Step("corrections", "share", "insert into corrections"),
    Step("calls", "share", "delete from calls"),
    Step("calls", "share", 'COPY "calls"', corrects=False),
    Step("residents", "share", 'COPY "residents"', corrects=False),
    Step("vault_rejects", "share", "vault_rejects"),
    Step("ledger", "share", "insert into ledger"),
    Step("outbox", "share", "insert into outbox"),
)
"""In the order of the transaction."""
ANSWERED_NOT = "between commit and answer"


def batch(n: int, *, corrects: bool) -> list[dict[str, Any]]:
    """New people and a dwelling, one wrong record; and, if so, the correction of a record that stands."""
    new = [a_household(n, 10 * n, 10 * n + 1), a_test(n, 10 * n), a_test(1000 + n, 10 * n, result="?")]
    return [*new, a_test(0, 1, revision=n + 2)] if corrects else new


@asynccontextmanager
async def connected(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def replicas(database: str, kafka: str, number: int, logs: Path) -> AsyncIterator[list[tuple[Child, str]]]:
    """Processes of intake on one database, each serving."""
    environment = {
        **os.environ,
        "GRIDWARD_KAFKA": kafka,
        "GRIDWARD_DATABASE": database,
        "GRIDWARD_TOKEN_KEY": KEY,
        "GRIDWARD_VAULT_KEY": KEY,
        "GRIDWARD_HTTP_HOST": "127.0.0.1",
        "GRIDWARD_DATABASE_CONNECTIONS": "2",
    }
    started = []
    for n in range(number):
        port = str(free_port())
        command = [sys.executable, "-m", "services", "intake"]
        child = start_child(command, environment | {"GRIDWARD_HTTP_PORT": port}, logs / f"intake-{n}.log")
        started.append((child, f"http://127.0.0.1:{port}"))
    try:
        async with httpx.AsyncClient() as client:
            for child, url in started:
                await until(lambda url=url: _ready(client, url), f"{child.log_path} ready", 180)  # type: ignore[misc]
        yield started
    finally:
        await asyncio.gather(*(child.stop() for child, _ in started))


async def _ready(client: httpx.AsyncClient, url: str) -> bool:
    """The door and the relay; what intake hears of other services needs these, who are not here."""
    with suppress(httpx.TransportError):
        return (await client.get(f"{url}/readyz")).json()["reasons"].keys() <= {"kafka"}
    return False


async def send(url: str, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The verdicts; or what the transport says when the process dies meanwhile."""
    body = "\n".join(map(json.dumps, records))
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/x-ndjson"}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{url}/records", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


async def books(db: asyncpg.Connection) -> dict[str, int]:
    """Of all feeds together; they balance whenever they are looked at."""
    row = await db.fetchrow(
        "select sum(received) received, sum(accepted) accepted, sum(duplicate) duplicate, sum(rejected) rejected,"
        " sum(pending) pending from intake.ledger"
    )
    found = {name: int(number or 0) for name, number in row.items()}
    assert found["received"] == found["accepted"] + found["duplicate"] + found["rejected"] and found["pending"] == 0
    return found


async def killed_at(
    db: asyncpg.Connection,
    watch: asyncpg.Connection,
    replica: tuple[Child, str],
    step: Step,
    records: Any,
) -> None:
    """The replica waits in the statement with its transaction open, and is killed there; the sender hears nothing."""
    child, url = replica
    async with held(db, f"intake.{step.table}", step.mode) as holder:
        sending = asyncio.create_task(send(url, records))

        async def caught() -> Caught | None:
            among = await caught_behind(watch, holder, "intake")
            return next((each for each in among if each.pid == child.pid and step.statement in each.query), None)

        await until(caught, f"a replica in {step}", 20, 0.01)
        await child.stop(first=Signals.SIGKILL)
        with suppress(httpx.TransportError):
            raise AssertionError(f"{step}: answered {await sending}")


async def killed_before_it_answers(watch: asyncpg.Connection, replica: tuple[Child, str], records: Any) -> None:
    """The batch is committed, the answer never read."""
    child, url = replica
    before = await books(watch)
    body = "\n".join(map(json.dumps, records)).encode()
    address = urlsplit(url)
    head = (
        f"POST /records HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: Bearer {TOKEN}\r\n"
        f"content-type: application/x-ndjson\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as line:
        line.sendall(head.encode() + body)

        async def committed() -> bool:
            return (await books(watch))["received"] > before["received"]

        await until(committed, "the commit", 20, 0.002)
        await child.stop(first=Signals.SIGKILL)


async def test_killed_at_every_step_of_admission_nothing_is_lost_and_nothing_doubled(
    database: str, kafka: str, tmp_path: Path
) -> None:
    await forget_all(kafka)
    async with (
        replicas(database, kafka, len(STEPS) + 2, tmp_path) as running,
        connected(database) as db,
        connected(database) as watch,
    ):
        await db.execute("insert into intake.grids values ($1, '一网格')", GRID)
        said = sum(len(each["event_ids"]) for each in await send(running[-1][1], [a_test(0, 1)]))
        expected = {"received": 1, "accepted": 1, "duplicate": 0, "rejected": 0, "pending": 0}
        for n, step in enumerate((*STEPS, ANSWERED_NOT), 1):
            corrects = isinstance(step, Step) and step.corrects
            records = batch(n, corrects=corrects)
            if step == ANSWERED_NOT:
                await killed_before_it_answers(watch, running[n - 1], records)
                expected = {name: expected[name] + more for name, more in counts(3, 2, 0, 1).items()}
                said += 4
            else:
                await killed_at(db, watch, running[n - 1], step, records)
            assert await books(watch) == expected, step
            verdicts = await send(running[n][1], records)
            words = [each["verdict"] for each in verdicts]
            good = "duplicate" if step == ANSWERED_NOT else "accepted"
            assert words == [good, good, "rejected", *[good] * corrects], step
            said += sum(len(each.get("event_ids", ())) for each in verdicts)
            taken = words.count(good)
            more = counts(len(records), taken, 0, 1) if good == "accepted" else counts(len(records), 0, taken, 1)
            expected = {name: expected[name] + more[name] for name in expected}
            assert await books(watch) == expected, step
        await _nothing_lost_or_doubled(watch, said)


def counts(received: int, accepted: int, duplicate: int, rejected: int) -> dict[str, int]:
    return {"received": received, "accepted": accepted, "duplicate": duplicate, "rejected": rejected, "pending": 0}


async def _nothing_lost_or_doubled(watch: asyncpg.Connection, said: int) -> None:
    """Every event of every verdict is in the log or waits for it, once; each person and record is there once."""
    steps = len(STEPS) + 1

    async def events() -> bool:
        waiting = await watch.fetchval("select count(*) from intake.outbox")
        return bool(waiting == 0)

    await until(events, "the outbox empty", 20)
    assert (
        await watch.fetchval("select sum(last) from intake.lanes where epoch = (select max(epoch) from intake.lanes)")
        == said
    )
    assert await watch.fetchval("select count(*) from intake.records") == 1 + 2 * steps
    assert await watch.fetchval("select count(*) from intake.vault_persons") == 1 + 2 * steps
    assert await watch.fetchval("select count(*) from intake.vault_dwellings") == steps
    assert await watch.fetchval("select count(*) from intake.vault_rejects") == steps
