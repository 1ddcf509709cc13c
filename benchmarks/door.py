"""The door: records a second in bulk and one by one, against a plain handler under the same load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
from aiokafka.admin import NewTopic

from benchmarks.lab import Lab, ready
from benchmarks.measure import BenchError
from benchmarks.scale import GRIDS, Scale
from benchmarks.town import BEGIN, grid_file, grids, visits
from benchmarks.wire import Line, lines
from deploy.fleet import Fleet
from deploy.local import free_port
from deploy.play.quiet import until_quiet
from services.chassis.topics import admin

LINES_A_REQUEST = 5_000
CONNECTIONS = 64
NDJSON, JSON = "application/x-ndjson", "application/json"
MOST_AT_ONCE = 1_000_000
_PLAIN_TOPIC = "plain-screenings"


@dataclass(frozen=True)
class Records:
    """Records that were never sent before."""

    numbers: Iterator[int]

    def take(self, wanted: int) -> list[bytes]:
        return visits(wanted, grids(GRIDS), next(self.numbers) * MOST_AT_ONCE)


def fresh_records() -> Records:
    """One a run."""
    return Records(count(1))


async def send_bulk(url: str, token: str, records: Records) -> float:
    """Records a second: one request of 5,000 lines on one connection, to its last verdict."""
    body = b"\n".join(records.take(LINES_A_REQUEST))
    async with lines(url, 1, token) as (line,):
        began = time.perf_counter()
        answer = await line.post("/records", body, NDJSON)
        seconds = time.perf_counter() - began
    _must_be_accepted(answer, LINES_A_REQUEST)
    return LINES_A_REQUEST / seconds


@dataclass(frozen=True)
class Load:
    """Records a second, by repetition, in bulk and one by one; seconds that each of the latter took."""

    bulk: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)


async def send_single(url: str, token: str, records: Records, wanted: int, load: Load) -> None:
    """A request each, over 64 kept connections, each sending as soon as it is answered."""
    left = iter(records.take(wanted))

    async def keep_sending(line: Line) -> None:
        for body in left:
            sent = time.perf_counter()
            _must_be_accepted(await line.post("/records", body, JSON), 1)
            load.took.append(time.perf_counter() - sent)

    async with lines(url, CONNECTIONS, token) as opened:
        began = time.perf_counter()
        await asyncio.gather(*map(keep_sending, opened))
        load.single.append(wanted / (time.perf_counter() - began))


def _must_be_accepted(answer: bytes, wanted: int) -> None:
    if (accepted := answer.count(b'"verdict":"accepted"')) != wanted:
        raise BenchError(f"{accepted} of {wanted} records were accepted: {answer[:500].decode()}")


async def door_ours(lab: Lab, running: Fleet, scale: Scale, records: Records) -> Load:
    """The four services work on what was accepted; between two loads they come to rest."""
    intake, load = running.urls["intake"], Load()
    async with lab.client() as client:
        for _ in range(scale.bulk_requests):
            load.bulk.append(await send_bulk(intake, lab.token, records))
            await until_quiet(client, running.urls)
        for _ in range(scale.rounds):
            await send_single(intake, lab.token, records, scale.single_requests, load)
            await until_quiet(client, running.urls)
    return load


async def door_plain(lab: Lab, scale: Scale, records: Records) -> Load:
    """The same of the plain handler, with the machine to itself."""
    load = Load()
    async with plain_door(lab) as url:
        for _ in range(scale.bulk_requests):
            load.bulk.append(await send_bulk(url, lab.token, records))
        for _ in range(scale.rounds):
            await send_single(url, lab.token, records, scale.single_requests, load)
    return load


@asynccontextmanager
async def plain_door(lab: Lab) -> AsyncIterator[str]:
    """The plain handler, ready."""
    async with admin(lab.kafka) as client:
        await client.create_topics([NewTopic(_PLAIN_TOPIC, 6, 1)])
    async with lab.own_database("plain") as database:
        port = free_port()
        async with lab.peer("plain_door", TOPIC=_PLAIN_TOPIC, DATABASE=database, PORT=port):
            await ready(f"http://127.0.0.1:{port}/openapi.json")
            yield f"http://127.0.0.1:{port}"


async def open_the_day(lab: Lab, running: Fleet) -> None:
    """Grids and the stage clock, as a play sets them; then quiet."""
    told = {"feed": "stage", "source_id": "bench", "kind": "stage-time", "division_code": "33"}
    async with lab.client() as client:
        intake = running.urls["intake"]
        for at in range(0, GRIDS, LINES_A_REQUEST):
            file = grid_file(grids(GRIDS)[at : at + LINES_A_REQUEST])
            await _posted(client, f"{intake}/grids", content=file, headers={"content-type": "text/csv"})
        await _posted(client, f"{intake}/records", json={**told, "to_at": BEGIN.isoformat(), "running": True})
        await until_quiet(client, running.urls)


async def _posted(client: httpx.AsyncClient, url: str, **what: Any) -> None:
    answer = await client.post(url, **what)
    if answer.status_code != 200:
        raise BenchError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
