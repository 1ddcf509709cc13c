"""Ten times the rate at which the door has to be quick: whatever comes is accepted, or told to come back; none is lost.

An open-loop sender, as in `latency`, that drops nothing: every request that becomes due is sent, and answered. What was
accepted must be in the province's figure and in the ledger, and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.door import NDJSON, Records
from benchmarks.lab import Lab
from benchmarks.measure import BenchError
from benchmarks.town import INDICATOR, PROVINCE
from benchmarks.wire import ComeBackLater, Line, lines
from deploy.fleet import Fleet
from deploy.play.quiet import until_quiet

RATE = 10_000
"""Records a second: ten times those of which the door is asked to be quick."""
CONNECTIONS = 64
_A_REQUEST = 200
_FEED = "bench"
_MEMORY_EVERY_SECONDS = 0.25
_MIB = 2**10  # of the kilobytes that /proc tells
MOST_GROWTH_MIB = 96.0
"""Flat: what the requests under way hold (16 bodies, their verdicts), however long it lasts."""


@dataclass(frozen=True)
class Flood:
    """Records by what was answered. seconds: to the last answer; MiB of intake's process before, and at most."""

    offered: int
    seconds: float
    accepted: int
    told_to_wait: int
    memory_before: float
    memory_most: float


async def flood(lab: Lab, running: Fleet, seconds: float, records: Records) -> Flood:
    """Raises BenchError for another answer than these two, other figures or another ledger, or memory that grows."""
    made = records.take(round(RATE * seconds))
    bodies = [b"\n".join(made[at : at + _A_REQUEST]) for at in range(0, len(made), _A_REQUEST)]
    process = Path(f"/proc/{running.children['intake'].pid}/status")
    async with lab.client() as client:
        before, memory = await _told(client, running), [_memory(process)]
        watching = asyncio.create_task(_watch(process, memory))
        began = time.perf_counter()
        try:
            async with lines(running.urls["intake"], CONNECTIONS, lab.token) as opened:
                accepted, told_to_wait = await _send(opened, bodies)
            took = time.perf_counter() - began
            await until_quiet(client, running.urls)
        finally:
            watching.cancel()
        _must_be(await _told(client, running) - before, accepted)
    must_be_flat(memory)
    return Flood(len(made), took, accepted, told_to_wait, memory[0], max(memory))


async def _send(opened: Sequence[Line], bodies: Sequence[bytes]) -> tuple[int, int]:
    """Records accepted, and records whose request was told to wait."""
    began, due, answers = time.perf_counter(), iter(enumerate(bodies)), Counter[str]()

    async def keep_sending(line: Line) -> None:
        for number, body in due:
            await asyncio.sleep(max(0.0, began + number * _A_REQUEST / RATE - time.perf_counter()))
            sent = body.count(b"\n") + 1
            try:
                accepted = (await line.post("/records", body, NDJSON)).count(b'"verdict":"accepted"')
            except ComeBackLater as later:
                if later.seconds is None:
                    raise BenchError(f"told to come back, but not when: {later}") from None
                answers["told to wait"] += sent
                continue
            if accepted != sent:
                raise BenchError(f"{accepted} of {sent} records were accepted")
            answers["accepted"] += accepted

    await asyncio.gather(*map(keep_sending, opened))
    return answers["accepted"], answers["told to wait"]


async def _told(client: httpx.AsyncClient, running: Fleet) -> Counter[str]:
    """What the ledger says of the feed, and the province's figure."""
    ledger = (await client.get(f"{running.urls['intake']}/ledger")).raise_for_status().json()
    asked = {"division": PROVINCE, "indicator": INDICATOR}
    figures = (await client.get(f"{running.urls['rollup']}/figures", params=asked)).raise_for_status().json()
    told = Counter({"figure": int(figures["total"]["figures"].get(INDICATOR, 0))})
    for row in ledger:
        if row["feed"] == _FEED:
            told.update({name: row[name] for name in ("received", "accepted", "duplicate", "rejected", "pending")})
    return told


def _must_be(grown: Counter[str], accepted: int) -> None:
    expected = Counter({"figure": accepted, "received": accepted, "accepted": accepted})
    if grown != +expected:
        raise BenchError(f"{accepted:,} records were accepted, but figure and ledger grew by {dict(grown)}")


def must_be_flat(memory: Sequence[float]) -> None:
    """memory: MiB, the first of them before the flood. Raises BenchError."""
    if (growth := max(memory) - memory[0]) > MOST_GROWTH_MIB:
        raise BenchError(f"intake grew by {growth:.0f} MiB: at most {MOST_GROWTH_MIB:.0f} are what requests may hold")


async def _watch(process: Path, memory: list[float]) -> None:
    while True:
        memory.append(_memory(process))
        await asyncio.sleep(_MEMORY_EVERY_SECONDS)


def _memory(process: Path) -> float:
    """MiB of a process that are in memory."""
    return int(process.read_text().partition("VmRSS:")[2].split()[0]) / _MIB
