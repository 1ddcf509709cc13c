"""What an operator does about dead letters, beside the running service: sent again or dropped, by whom and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.chassis import deadletter, once
from services.chassis.database import DATABASE_ERRORS, IDLE_IN_TRANSACTION, connect, is_transient
from services.chassis.errors import DatabaseAway, GridwardError, NeverRan, StillFails
from services.chassis.health import database_trouble
from services.chassis.masking import reason_of
from services.chassis.service import Service
from services.chassis.settings import Settings

_READY = "select to_regclass('dead_letter_log') is not null"


@asynccontextmanager
async def desk(service: str, settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection on the service's schema. Raises WrongSettings, NeverRan, and DatabaseAway at first or on the way."""
    session = {"search_path": service, "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION}
    try:
        db = await connect(settings.database, server_settings=session)
    except DATABASE_ERRORS as error:
        raise DatabaseAway(database_trouble(error)) from error
    try:
        if not await db.fetchval(_READY):
            raise NeverRan(f"{service} has no dead letters here: start it once, or correct GRIDWARD_DATABASE")
        yield db
    except DATABASE_ERRORS as error:
        if not is_transient(error):
            raise
        raise DatabaseAway(f"{database_trouble(error)}; nothing was changed by what did not end") from error
    finally:
        await db.close()


async def resend(db: asyncpg.Connection, service: Service, dead_letter: int, by: str, why: str) -> int:
    """Run the service's handlers on a dead letter, in one transaction that closes it; how many events it said.

    Raises NoSuchDeadLetter, DeadLetterClosed, StillFails: it then stays open, and the attempt is noted.
    """
    record = (await deadletter.still_open(db, dead_letter)).record
    try:
        return await once.resend(db, service, dead_letter, by, why)
    except GridwardError as error:
        if not isinstance(error, once.FAULTS_OF_A_RECORD):
            raise
        failure: Exception = error
    except Exception as error:
        if is_transient(error):
            raise
        failure = error
    reason = reason_of(failure, record)
    await deadletter.note(db, dead_letter, by, "resend failed", why, reason)
    raise StillFails(f"dead letter {dead_letter} failed again and stays open: {reason}") from failure


async def drop(db: asyncpg.Connection, dead_letter: int, by: str, why: str) -> None:
    """Close a dead letter without handling it; the row stays. Raises NoSuchDeadLetter, DeadLetterClosed."""
    async with db.transaction(isolation="read_committed"):
        letter = await deadletter.still_open(db, dead_letter)
        await deadletter.close(db, letter, by, "dropped", why, "not handled; the row stays")
