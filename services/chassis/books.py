"""The books of a service: at rest `positions.last` equals the producer's `lanes.last`: each event was applied once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

from aiokafka.errors import KafkaError

from contracts.topics import heard_by, said_by
from services.chassis import metrics, own_work
from services.chassis.database import Lane, is_transient, lanes_of
from services.chassis.health import Health, database_trouble, kafka_trouble
from services.chassis.reader import LogReader
from services.chassis.service import App
from services.chassis.turns import Turn

WATCH_SECONDS = 2.0

_POSITIONS = "select topic, partition, last, next_offset from positions where consumer = $1 order by 1, 2"
_WAITING = "select count(*) from outbox"
_OPEN_LETTERS = "select count(*) from dead_letters where closed_at is null"
_BOOKS = f"""
select (select coalesce(array_agg(topic || '/' || partition order by topic, partition), '{{}}') from lanes) lanes_of,
       (select coalesce(array_agg(last order by topic, partition), '{{}}') from lanes) lanes,
       (select coalesce(array_agg(topic || '/' || partition order by topic, partition), '{{}}') from positions
         where consumer = $1) positions_of,
       (select coalesce(array_agg(last order by topic, partition), '{{}}') from positions
         where consumer = $1) positions,
       ({_WAITING}) waiting, ({_OPEN_LETTERS}) dead_letters"""  # noqa: S608


async def books(app: App) -> dict[str, object]:
    """Positions and lanes by "topic/partition", rows waiting, open dead letters, undone work; one snapshot."""
    async with own_work.reading(app) as turn:
        said = await turn.tx.fetchrow(_BOOKS, app.name)
        pending = await app.service.pending(turn.tx, turn.now) if app.service.pending else 0
    lanes, positions = (dict(zip(said[f"{what}_of"], said[what], strict=True)) for what in ("lanes", "positions"))
    return {
        "service": app.name,
        "positions": positions,
        "lanes": lanes,
        "waiting": said["waiting"],
        "dead_letters": said["dead_letters"],
        "pending": pending,
    }


async def keep_watch(app: App, reader: LogReader, health: Health, ending: asyncio.Event) -> None:
    """Set the gauges every few seconds, and say when Kafka or PostgreSQL is away."""
    while not ending.is_set():
        try:
            async with own_work.reading(app) as turn:
                await _gauge_database(turn, app.name)
            health.well("database")
            await _gauge_lag(app, reader)
            health.well("kafka")
        except KafkaError as error:
            health.unwell("kafka", kafka_trouble(error))
        except Exception as error:
            if not is_transient(error):
                raise
            health.unwell("database", database_trouble(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), WATCH_SECONDS)


async def _gauge_database(turn: Turn, service: str) -> None:
    for gauge, sql in (
        (metrics.OUTBOX_WAITING, _WAITING),
        (metrics.DEAD_LETTERS_OPEN, _OPEN_LETTERS),
    ):
        gauge.labels(service).set(await turn.tx.fetchval(sql))
    for gauge, sql in (
        (metrics.LANE_LAST, "select topic, sum(last)::bigint from lanes group by 1"),
        (metrics.POSITION_LAST, "select topic, sum(last)::bigint from positions group by 1"),
    ):
        for topic, last in await turn.tx.fetch(sql):
            gauge.labels(service, topic).set(last)


class Standing(NamedTuple):
    """Where a consumer stands in a lane, and how many records wait there."""

    offset: int
    lag: int


async def standings(app: App, reader: LogReader) -> dict[Lane, Standing]:
    """Of every lane that the service hears. Raises KafkaError."""
    lanes = lanes_of(heard_by(app.name))
    ends = await reader.ends(lanes or lanes_of(said_by(app.name))[:1])
    rows = await app.pool.fetch(_POSITIONS, app.name)
    return {(t, p): Standing(offset, max(0, ends[t, p] - offset)) for t, p, _, offset in rows}


async def _gauge_lag(app: App, reader: LogReader) -> None:
    lag = Counter[str]()
    for (topic, _), standing in (await standings(app, reader)).items():
        lag[topic] += standing.lag
    for topic, records in lag.items():
        metrics.CONSUMER_LAG.labels(app.name, topic).set(records)
