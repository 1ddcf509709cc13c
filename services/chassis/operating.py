"""What an operator does in a relay's place: a new epoch, a void record. Dead letters: `settling.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncpg import Connection

from services.chassis.epoch import Opened, open_epoch
from services.chassis.errors import NoSuchRow, RelayAtWork
from services.chassis.reader import log_reader
from services.chassis.relay import TRY_LOCK, relay_connection
from services.chassis.sending import relay_producer
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.tail import remember_server

PATIENCE, TRIES = 15.0, 300  # a relay that refuses looks again and again, and holds its lock for a moment each time

_VOID = "update outbox set record = null where id = $1 and record is not null returning event_id"


@asynccontextmanager
async def instead_of_relay(service: Service, settings: Settings) -> AsyncIterator[Connection]:
    """A connection that holds the lock of the service's relay. Raises RelayAtWork after 15 s."""
    async with relay_connection(settings.database, service.name) as db:
        await db.execute("set idle_session_timeout = '10min'")  # reading the log back may take so long
        for _ in range(TRIES):
            if await db.fetchval(TRY_LOCK, service.name):
                break
            await asyncio.sleep(PATIENCE / TRIES)
        else:
            raise RelayAtWork(f"the relay of {service.name} is at work: stop the service first")
        yield db


async def new_epoch(service: Service, settings: Settings) -> Opened:
    """Let a database that was put back to an earlier instant publish again. Safe to run twice, or after a crash.

    Raises RelayAtWork, LogBroken; KafkaError or TimeoutError when Kafka does not answer.
    """
    async with (
        instead_of_relay(service, settings) as db,
        relay_producer(settings.kafka) as producer,
        log_reader(settings.kafka) as reader,
    ):
        opened = await open_epoch(db, producer, reader)
        await remember_server(db)
        return opened


async def void_row(service: Service, settings: Settings, row: int) -> str:
    """Empty a row of the outbox that Kafka will not take; its number goes out as a void record. Gives the event's id.

    Raises NoSuchRow.
    """
    async with instead_of_relay(service, settings) as db:
        event = await db.fetchval(_VOID, row)
    if event is None:
        raise NoSuchRow(f"the outbox of {service.name} has no row {row} with a record: it has been sent, or was voided")
    return str(event)
