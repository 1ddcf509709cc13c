"""From what was seen to a rate or a percentile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median, quantiles
from typing import TypeVar

LOOK_AGAIN = 0.02
PATIENCE = 300.0  # seconds without any progress
ASKED = 100
"""Requests of one kind that are timed."""
T = TypeVar("T")


class BenchError(Exception):
    """A measurement that cannot be trusted or did not come to its end; the text says why."""


Look = Callable[[], Awaitable[int]]


async def rate_until(look: Look, wanted: int, tell: Callable[[int], None] = lambda _: None) -> float:
    """Records a second from the first progress seen to `wanted`; what was done before that look is not counted.

    look: how many are done. Raises BenchError when nothing moves for five minutes.
    """
    first = await _moved(look, 0, wanted)
    began = time.perf_counter()
    done = first
    while done < wanted:
        done = await _moved(look, done, wanted)
        tell(done)
    return (wanted - first) / (time.perf_counter() - began)


async def _moved(look: Look, from_: int, wanted: int) -> int:
    until = time.perf_counter() + PATIENCE
    while (done := await look()) <= from_:
        if time.perf_counter() > until:
            raise BenchError(f"stopped at {from_:,} of {wanted:,}: nothing moved for {PATIENCE:.0f} s")
        await asyncio.sleep(LOOK_AGAIN)
    return done


async def timed(ask: Callable[[int], Awaitable[T]]) -> tuple[list[T], float, float]:
    """What `ask` gave, number by number and one after another; p50 and p99 in seconds of all but the first tenth."""
    answers, took = list[T](), list[float]()
    for number in range(ASKED + ASKED // 10):
        began = time.perf_counter()
        answers.append(await ask(number))
        took.append(time.perf_counter() - began)
    return answers, percentile(took[-ASKED:], 50), percentile(took[-ASKED:], 99)


def percentile(values: Sequence[float], percent: int) -> float:
    """`percent` of the values are not above it."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of ours over the median of theirs."""
    return median(ours) / median(theirs)
