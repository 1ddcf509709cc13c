"""From accepted to the province's figure: an open-loop sender at the door, a reader of GET /figures at the other end.

The k-th record accepted is taken to be shown when the figure first reaches k more than before: both ends are counted,
so no record needs a mark. The time is that of the answer's arrival, so it includes the reading.
"""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.door import NDJSON, Records
from benchmarks.lab import Lab
from benchmarks.measure import BenchError, percentile
from benchmarks.town import INDICATOR, PROVINCE
from benchmarks.wire import ComeBackLater, Line, lines
from deploy.fleet import Fleet

EVERY_SECONDS = 0.02  # a request, whatever became of the ones before
CONNECTIONS = 16
LOOK_AGAIN = 0.01
PATIENCE = 60.0


@dataclass
class Sent:
    """Instants of acceptance, one a record; seconds from due to accepted, one a request; requests unsent or refused."""

    accepted_at: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    unsent: int = 0


@dataclass(frozen=True)
class Latency:
    """Seconds. reached: records a second that were accepted. door_p99: of a request, from due to its verdicts."""

    offered: int
    reached: float
    p50: float
    p99: float
    door_p99: float
    records: int
    unsent_requests: int


async def latency(lab: Lab, running: Fleet, rate: int, seconds: float, records: Records) -> Latency:
    """Send at `rate` for `seconds`; wait until the figure shows all. Raises BenchError if it shows another number."""
    bodies = _bodies(records, rate, seconds)
    async with lines(running.urls["rollup"], 1, lab.token) as (reading,):
        before, sent = await _figure(reading), Sent()
        seen: list[tuple[int, float]] = []
        ended = asyncio.Event()
        watching = asyncio.create_task(_watch(reading, before, sent, ended, seen))
        async with lines(running.urls["intake"], CONNECTIONS, lab.token) as opened:
            await _send(opened, bodies, sent, seconds)
        ended.set()
        await watching
    return latency_of(rate, sent, seen)


def _bodies(records: Records, rate: int, seconds: float) -> list[bytes]:
    each = round(rate * EVERY_SECONDS)
    made = records.take(round(rate * seconds))
    return [b"\n".join(made[at : at + each]) for at in range(0, len(made), each)]


async def _send(opened: Sequence[Line], bodies: Sequence[bytes], sent: Sent, seconds: float) -> None:
    """Requests become due on the clock; a free connection takes the one due longest. Late ones end with the time."""
    began, due = time.perf_counter(), iter(enumerate(bodies))

    async def keep_sending(line: Line) -> None:
        for number, body in due:
            due_at = began + number * EVERY_SECONDS
            await asyncio.sleep(max(0.0, due_at - time.perf_counter()))
            if time.perf_counter() > began + seconds + EVERY_SECONDS:
                sent.unsent += 1
                continue
            try:
                accepted = (await line.post("/records", body, NDJSON)).count(b'"verdict":"accepted"')
            except ComeBackLater:
                sent.unsent += 1
                continue
            now = time.perf_counter()
            sent.accepted_at += [now] * accepted
            sent.waited.append(now - due_at)

    await asyncio.gather(*map(keep_sending, opened))


async def _watch(reading: Line, before: int, sent: Sent, ended: asyncio.Event, seen: list[tuple[int, float]]) -> None:
    """Each new value of the figure less `before`, and when it was read; until all is shown."""
    until = float("inf")
    while not (ended.is_set() and seen and seen[-1][0] >= len(sent.accepted_at)):
        figure = await _figure(reading) - before
        now = time.perf_counter()
        if not seen or figure > seen[-1][0]:
            seen.append((figure, now))
            until = now + PATIENCE
        if ended.is_set() and now > until:
            raise BenchError(f"the figure shows {figure:,} of {len(sent.accepted_at):,} after {PATIENCE:.0f} s")
        await asyncio.sleep(LOOK_AGAIN)


async def _figure(reading: Line) -> int:
    answer = json.loads(await reading.get(f"/figures?division={PROVINCE}&indicator={INDICATOR}"))
    return int(answer["total"]["figures"].get(INDICATOR, 0))


def latency_of(rate: int, sent: Sent, seen: Sequence[tuple[int, float]]) -> Latency:
    """seen: each new value of the figure less what it was before, and when. Raises BenchError if it is not whole."""
    accepted = sorted(sent.accepted_at)
    if seen[-1][0] != len(accepted):
        raise BenchError(f"the figure grew by {seen[-1][0]:,} where {len(accepted):,} records were accepted")
    counts = [count for count, _ in seen]
    took = [max(0.0, seen[bisect_left(counts, k)][1] - at) for k, at in enumerate(accepted, 1)]
    span = accepted[-1] - accepted[0]
    return Latency(
        offered=rate,
        reached=len(accepted) / span,
        p50=percentile(took, 50),
        p99=percentile(took, 99),
        door_p99=percentile(sent.waited, 99),
        records=len(took),
        unsent_requests=sent.unsent,
    )
