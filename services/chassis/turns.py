"""A transaction with its instant and what is said in it; whose it is, `begin` decides with the first statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

import asyncpg

from contracts.divisions import Level
from contracts.envelope import Event
from services.chassis import clock, outbox
from services.chassis.access import Caller
from services.chassis.database import Tx
from services.chassis.errors import LogAhead, NotAllowed

if TYPE_CHECKING:
    from services.chassis.service import App

READING_TIMEOUT = "30s"  # a long reader keeps the outbox from being cleaned

_AS_CALLER = """
select {now}, set_config('role', caller_role(), true), set_config('gridward.caller', $1, true),
       set_config('gridward.purpose', $2, true), set_config('gridward.roles', $3::text[]::text, true),
       set_config('gridward.divisions', $4::text[]::text, true), set_config('gridward.within', $5, true),
       set_config('statement_timeout', $6, true)"""
_AS_OWNER = "select {now}, set_config('statement_timeout', $1, true)"
_NO_TIMEOUT = "0"
_REFUSED_ROW = "ExecWithCheckOptions"  # of a policy; other lacks of a privilege are faults of ours

Begin = Callable[[Tx, str], Awaitable[datetime]]
"""Given the transaction, and how long each of its statements may take."""


class Turn:
    """One transaction of a route. say: events that go out if it commits."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self.tx = tx
        self.now = now
        self.said: list[Event[Any]] = []

    def say(self, events: Sequence[Event[Any]]) -> None:
        self.said += events


def by_caller(app: App, caller: Caller, purpose: str) -> Begin:
    """As the role of callers: PostgreSQL shows and takes the rows that the policies of the tables give this caller."""

    async def begin(tx: Tx, at_most: str) -> datetime:
        query = _AS_CALLER.format(now=clock.NOW[app.settings.clock])
        within = commonprefix(caller.divisions)  # noqa: RUF071 - of codes, not of paths
        bounds = [each + " " if len(each) > Level.GRID else each for each in caller.divisions]  # as `rows.sql` has it
        whose = caller.name, purpose, sorted(caller.roles), bounds, within
        instant: datetime = await tx.fetchval(query, *whose, at_most)
        return instant

    return begin


def by_owner(app: App) -> Begin:
    """As the owner of the tables, who sees all."""

    async def begin(tx: Tx, at_most: str) -> datetime:
        instant: datetime = await tx.fetchval(_AS_OWNER.format(now=clock.NOW[app.settings.clock]), at_most)
        return instant

    return begin


@asynccontextmanager
async def transaction(app: App, begin: Begin) -> AsyncIterator[Turn]:
    """READ COMMITTED; what was said is written last, by the owner, committed, and the relay woken.

    Raises LogAhead while the database is behind the log: what it would say could have been said before.
    """
    if app.refusing:
        raise LogAhead(app.refusing)
    async with app.pool.acquire() as tx:
        async with tx.transaction(isolation="read_committed"):
            turn = Turn(tx, await begin(tx, _NO_TIMEOUT))
            try:
                yield turn
            except asyncpg.InsufficientPrivilegeError as error:
                if error.server_source_function != _REFUSED_ROW:
                    raise
                raise NotAllowed("what this would write lies outside your division or your roles") from None
            if turn.said:
                await tx.execute("reset role")
            written = await outbox.write(tx, app.name, turn.said)
        if written:
            app.wake_relay.set()


@asynccontextmanager
async def reading(app: App, begin: Begin) -> AsyncIterator[Turn]:
    """A read-only transaction on one snapshot, 30 s a statement; what is said in it is an error."""
    async with app.pool.acquire() as tx, tx.transaction(isolation="repeatable_read", readonly=True):
        turn = Turn(tx, await begin(tx, READING_TIMEOUT))
        yield turn
        if turn.said:
            raise RuntimeError("events were said in a reading: use transaction()")
