"""One run, from the servers to the results: the topic once, then what reads it by turns, then the four services."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

import asyncpg
from rich.console import Console

from benchmarks.bare import OF_THE_DOOR, OF_THE_FIGURES, bare_copy, bare_http
from benchmarks.counting import count_one_by_one, count_ours, count_quix, read_alone
from benchmarks.door import Load, Records, door_ours, door_plain, fresh_records, open_the_day
from benchmarks.flood import flood
from benchmarks.lab import KAFKA_VERSION, Lab, lab
from benchmarks.latency import latency
from benchmarks.measure import percentile
from benchmarks.results import Results, machine
from benchmarks.scale import Scale
from benchmarks.search import search
from benchmarks.sheet import fill_vault, sheet_rate
from benchmarks.today import today
from benchmarks.topic import Log, write_log
from deploy.fleet import Fleet
from services.intake.service import SERVICE as INTAKE
from services.rollup.service import SERVICE as ROLLUP

TOPIC_READERS = frozenset({"relay", "reading", "ours", "one-by-one", "quix"})


class Run:
    """The parts of one run in their order; what each finds goes into `results`."""

    def __init__(self, scale: Scale, parts: Collection[str], console: Console) -> None:
        self.scale, self.parts, self.console = scale, parts, console
        self.results = Results(scale)
        self._began = time.monotonic()
        self._ours_seconds = 0.0

    def tell(self, words: str) -> None:
        """A line of progress with the seconds so far."""
        self.console.print(f"[dim]{time.monotonic() - self._began:5.0f} s[/]  {words}", highlight=False)

    async def whole(self) -> Results:
        """Everything asked for; servers and processes are gone when it returns or raises."""
        self.tell("starting Apache Kafka and PostgreSQL")
        async with lab() as servers:
            self.results.facts = machine(await _postgres_version(servers), KAFKA_VERSION)
            if TOPIC_READERS & set(self.parts):
                await self._read_topic(servers)
            if {"door", "latency", "flood", "today", "sheet"} & set(self.parts):
                await self._door(servers)
        self.results.seconds = time.monotonic() - self._began
        return self.results

    async def _read_topic(self, servers: Lab) -> None:
        log = await write_log(servers, self.scale, self.tell)
        self.results.facts["bytes_a_record"] = round(log.bytes / log.records)
        if "relay" in self.parts:
            self.results.add("relay", *log.rates)
        for number in range(1, self.scale.rounds + 1):
            await self._round(servers, log, number)

    async def _round(self, servers: Lab, log: Log, number: int) -> None:
        """Each once, in one order, so that what the machine does besides meets all of them alike."""
        if "reading" in self.parts:
            self._found("reading", await read_alone(servers, log))
        if "ours" in self.parts and self._fits(number):
            began = time.monotonic()
            self._found("ours", await self._ours(servers, log, number))
            self._ours_seconds = time.monotonic() - began
        if "one-by-one" in self.parts:
            self._found("one-by-one", await count_one_by_one(servers, self.scale, f"one_by_one_{number}"))
        if "quix" in self.parts:
            self._found("quix", await count_quix(servers, self.scale, f"quix_{number}"))

    def _fits(self, number: int) -> bool:
        ends = time.monotonic() - self._began + self._ours_seconds
        return number == 1 or ends < self.scale.repeat_until_seconds

    async def _ours(self, servers: Lab, log: Log, number: int) -> float:
        """The first time into the database of the four services, who go on from there; then into one of its own."""
        with self.console.status("ours") as status:

            def tell(done: int) -> None:
                status.update(f"ours: {done:,} of {log.records:,}")

            async with AsyncExitStack() as stack:
                own = servers.own_database(f"ours_{number}")
                database = servers.database if number == 1 else await stack.enter_async_context(own)
                rate = await count_ours(servers, log, database, tell)
                if number == 1:
                    self._found("ours-copy", await bare_copy(servers, ROLLUP, database, OF_THE_FIGURES, log.records))
                return rate

    async def _door(self, servers: Lab) -> None:
        records = fresh_records()
        if "door" in self.parts:
            self._loaded("plain", await door_plain(servers, self.scale, records))
            self._found("http", await bare_http(servers, records, 10 * self.scale.single_requests))
        async with servers.services() as running:
            self.tell("four services are ready")
            await open_the_day(servers, running)
            if "door" in self.parts:
                self._loaded("door", await door_ours(servers, running, self.scale, records))
                taken = int(await _asked(servers, "select count(*) from intake.records"))
                self._found("copy", await bare_copy(servers, INTAKE, servers.database, OF_THE_DOOR, taken))
            for rate in self.scale.latency_rates if "latency" in self.parts else ():
                found = await latency(servers, running, rate, self.scale.latency_seconds, records)
                self.results.latencies.append(_rounded(found))
                self.tell(
                    f"latency at {rate:,}/s: {found.reached:,.0f}/s accepted, "
                    f"p50 {found.p50:.3f} s, p99 {found.p99:.3f} s"
                )
            if "flood" in self.parts:
                await self._flood(servers, running, records)
            if "today" in self.parts:
                await self._today(servers, running)
            await self._sheets(servers, running)

    def _loaded(self, who: str, load: Load) -> None:
        self._found(f"{who}-bulk", *load.bulk)
        self._found(f"{who}-single", *load.single)
        p50, p99 = (round(percentile(load.took, percent), 4) for percent in (50, 99))
        self.results.singles.append({"who": who, "p50": p50, "p99": p99})

    async def _flood(self, servers: Lab, running: Fleet, records: Records) -> None:
        found = await flood(servers, running, self.scale.flood_seconds, records)
        self.results.flood = _rounded(found)
        self.tell(
            f"flood: {found.offered:,} offered, {found.accepted:,} accepted, {found.told_to_wait:,} told to wait; "
            f"intake {found.memory_before:.0f} MiB before, {found.memory_most:.0f} at most"
        )

    async def _today(self, servers: Lab, running: Fleet) -> None:
        for found in await today(servers, running):
            self.results.lists.append(_rounded(found))
            self.tell(
                f"/today of a {found.role}, {found.items:,} items: "
                f"p50 {found.p50 * 1000:.0f} ms, p99 {found.p99 * 1000:.0f} ms"
            )

    async def _sheets(self, servers: Lab, running: Fleet) -> None:
        if "sheet" in self.parts and self.scale.sheet_persons:
            await fill_vault(servers, self.scale.sheet_persons, self.tell)
            for number in range(1, self.scale.rounds + 1):
                self._found("sheet", await sheet_rate(servers, running, number, self.scale.sheet_persons))
            for found in await search(servers, running, self.scale.sheet_persons):
                self.results.searches.append(_rounded(found))
                self.tell(f"search by {found.way}: p50 {found.p50 * 1000:.0f} ms, p99 {found.p99 * 1000:.0f} ms")

    def _found(self, name: str, *rates: float) -> None:
        self.results.add(name, *rates)
        self.tell(f"{name}: {', '.join(f'{rate:,.0f}' for rate in rates)} records/s")


def _rounded(found: Any) -> dict[str, Any]:
    """The fields of a dataclass as they are kept."""
    return {name: round(one, 4) if isinstance(one, float) else one for name, one in asdict(found).items()}


async def _postgres_version(servers: Lab) -> str:
    return str(await _asked(servers, "show server_version")).split()[0]


async def _asked(servers: Lab, query: str) -> Any:
    connection = await asyncpg.connect(servers.database)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
