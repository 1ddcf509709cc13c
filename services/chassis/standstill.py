"""Records wait, nothing fails, and none is applied: the group does not hand them over. Said aloud, then joined anew.

Seen once after a broker and a database were killed within seconds: both members of a group asked for their lanes again
and again, each answer was that the coordinator is another one, and all looked well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress

import structlog
from aiokafka.errors import KafkaError

from services.chassis.books import Standing, standings
from services.chassis.consumer import Consumer
from services.chassis.database import DATABASE_ERRORS, Lane
from services.chassis.health import Health
from services.chassis.reader import LogReader
from services.chassis.service import App

log = structlog.get_logger()

LOOK_SECONDS = 5.0
STANDSTILL_SECONDS = 60.0
"""Longer than a rebalance may take, with the session of a member that died before it."""


class Standstill:
    """Since when nothing moved although records waited."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._offsets: Mapping[Lane, int] = {}
        self._since = now()

    def seconds(self, lanes: Mapping[Lane, Standing]) -> float:
        """0 as long as offsets move, or nothing waits in these lanes."""
        offsets = {lane: standing.offset for lane, standing in lanes.items()}
        if offsets != self._offsets or not any(standing.lag for standing in lanes.values()):
            self._offsets, self._since = offsets, self._now()
        return self._now() - self._since

    def begin_anew(self) -> None:
        """Give it as much time again."""
        self._since = self._now()


def to_move(lanes: Mapping[Lane, Standing], given: Collection[Lane], stopped: Collection[Lane]) -> dict[Lane, Standing]:
    """Those that this process ought to move: given to it and not stopped; any, while the group gives it none.

    What another replica stopped, or cannot apply, is that one's to tell of.
    """
    own = given or lanes.keys()
    return {lane: standing for lane, standing in lanes.items() if lane in own and lane not in stopped}


async def keep_moving(
    app: App,
    reader: LogReader,
    health: Health,
    ending: asyncio.Event,
    consumer: Callable[[], Consumer],
    join_anew: Callable[[], Awaitable[None]],
) -> None:
    """Until the process ends. Lanes that were stopped, and batches that fail, are told of elsewhere."""
    standstill = Standstill()
    while not ending.is_set():
        with suppress(KafkaError, *DATABASE_ERRORS):  # the watch tells of these
            lanes = await standings(app, reader)
            moving = to_move(lanes, consumer().given, consumer().stopped)
            seconds = standstill.seconds(moving)
            if consumer().is_at_work:
                standstill.begin_anew()
            elif seconds > STANDSTILL_SECONDS:
                waiting = ", ".join(f"{t}/{p}" for (t, p), standing in moving.items() if standing.lag)
                health.unwell("group", f"no record of {waiting} came for {seconds:.0f} s: the group is joined anew")
                await join_anew()
                standstill.begin_anew()
            elif seconds < LOOK_SECONDS:
                health.well("group")
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), LOOK_SECONDS)
