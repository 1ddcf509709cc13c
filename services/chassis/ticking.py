"""Ticks: what a service does by itself, again and again, each time in one transaction."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from aiokafka.errors import KafkaError

from contracts.topics import heard_by
from services.chassis import clock, metrics, outbox
from services.chassis.database import is_transient, lanes_of
from services.chassis.reader import LogReader
from services.chassis.service import App, Tick

log = structlog.get_logger()

LONGEST_BACK_OFF = 5.0
_BEHIND = """
select exists (select from unnest($1::text[], $2::int[], $3::bigint[]) e(topic, partition, ends)
                 join positions p using (topic, partition) where p.consumer = $4 and p.next_offset < e.ends)"""


async def keep_ticking(app: App, tick: Tick, reader: LogReader, ending: asyncio.Event) -> None:
    """Run the tick until the process ends; what fails is rolled back and tried again later."""
    failures = 0
    wake = app.wake_ticks.get(tick.name, ending)
    while not ending.is_set():
        if wake is not ending:
            wake.clear()
        pause = tick.every_seconds
        try:
            if not tick.when_caught_up or await is_caught_up(app, reader):
                while await run_once(app, tick) and not ending.is_set():
                    pass
            failures = 0
        except Exception as error:
            failures += 1
            pause = min(LONGEST_BACK_OFF, max(pause, 0.05 * 2 ** min(failures, 10)))
            metrics.TICK_FAILURES.labels(app.name, tick.name).inc()
            if is_transient(error) or isinstance(error, KafkaError):
                log.warning("tick waits", service=app.name, tick=tick.name, error=repr(error))
            else:
                log.error("tick failed", service=app.name, tick=tick.name, exc_info=error)
        with suppress(TimeoutError):
            await asyncio.wait_for((wake if not failures else ending).wait(), pause)


async def run_once(app: App, tick: Tick) -> bool:
    """One transaction of the tick; True: there is more to do at once."""
    with metrics.TICK_DURATION.labels(app.name, tick.name).time():
        async with app.pool.acquire() as tx, tx.transaction(isolation="read_committed"):
            worked = await tick.run(tx, await clock.now(tx, app.settings.clock))
            written = await outbox.write(tx, app.name, worked.events)
    if written:
        app.wake_relay.set()
    return worked.more


async def is_caught_up(app: App, reader: LogReader) -> bool:
    """Whether all that lay in the log a moment ago is applied, by whichever replica. Raises KafkaError."""
    lanes = lanes_of(heard_by(app.name))
    if not lanes:
        return True
    ends = await reader.ends(lanes)
    rows = [(*lane, offset) for lane, offset in ends.items()]
    return not await app.pool.fetchval(_BEHIND, *map(list, zip(*rows, strict=True)), app.name)
