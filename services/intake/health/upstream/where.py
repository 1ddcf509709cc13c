"""Where reading of an upstream topic begins: where it stood, or at the start of a log that is not the one known."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress

import structlog
from aiokafka import ConsumerRecord

from services.chassis.database import Lane, Tx
from services.chassis.reader import LogReader, Span
from services.chassis.topics import admin
from services.intake.door import Door
from services.intake.store import upstream
from services.intake.store.upstream import Standing

log = structlog.get_logger()

LOOKING = 3.0
"""Seconds that the last record read is looked for; one that was compacted away tells nothing."""


def mark_of(record: ConsumerRecord) -> bytes:
    """A hash by which a record is known again."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (str(record.timestamp).encode(), record.key or b"", record.value or b""):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


async def cluster_of(kafka: str) -> str:
    """The cluster's own id. Raises KafkaError."""
    async with admin(kafka) as client:
        return str((await client.describe_cluster()).get("cluster_id") or "")


async def is_another_log(reader: LogReader, lane: Lane, standing: Standing, cluster: str, span: Span) -> str:
    """Why the offsets kept mean nothing here, or "". Raises KafkaError."""
    if standing.cluster != cluster:
        return "another cluster"
    if standing.seen is not None and span.start < standing.next_offset:
        found = await _mark_at(reader, lane, standing.next_offset - 1)
        if found is not None:
            return "" if found == standing.seen else "the last record read is another one"
    # Asked after the record itself: the embedded broker tells an end that lies within its last batch.
    return "the log ends before what was read" if span.end < standing.next_offset else ""


async def _mark_at(reader: LogReader, lane: Lane, offset: int) -> bytes | None:
    """Of the record there; None: there is none, or it was compacted away."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOKING):
            async for record in reader.read({lane: Span(offset, offset + 1)}):
                if record.offset == offset:
                    return mark_of(record)
    return None


async def begin_at(door: Door, reader: LogReader, lane: Lane, cluster: str) -> int:
    """The offset from which to read on, after the row says so. Raises KafkaError."""
    starts, ends = await reader.starts([lane]), await reader.ends([lane])
    span = Span(starts[lane], ends[lane])
    standing = await door.looking(lambda tx: upstream.find(tx, lane))
    anew = Standing(span.start, None, cluster)
    if standing is None:
        await door.looking(lambda tx: upstream.begin(tx, lane, anew))
        return await _stands(door, lane)
    why = await is_another_log(reader, lane, standing, cluster, span)
    known = standing

    async def reset(tx: Tx) -> None:
        await upstream.move(tx, lane, known.next_offset, anew)

    if why:
        log.warning("an upstream topic is read from its start", topic=lane[0], partition=lane[1], why=why)
        await door.looking(reset)
        return await _stands(door, lane)
    if standing.next_offset < span.start:
        log.warning(
            "an upstream topic was trimmed", topic=lane[0], partition=lane[1], lost=span.start - standing.next_offset
        )
        await door.looking(reset)
        return await _stands(door, lane)
    return standing.next_offset


async def _stands(door: Door, lane: Lane) -> int:
    standing = await door.looking(lambda tx: upstream.find(tx, lane))
    return standing.next_offset if standing else 0
