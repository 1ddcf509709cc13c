"""The door: lines in, verdicts out, each batch in one transaction, tried again when another replica was quicker."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from services.chassis import clock, own_work
from services.chassis.database import Tx, is_transient
from services.chassis.errors import GridwardError
from services.chassis.service import App
from services.intake.admission import admit
from services.intake.desk import Desk, open_desk
from services.intake.grouping import Grouping
from services.intake.problems import Problem
from services.intake.reading import Reading, read
from services.intake.room import Room
from services.intake.sender import Sender
from services.intake.store import accesses, people, records
from services.intake.store.accesses import Look
from services.intake.verdicts import ACCEPTED, REJECTED, Verdict

log = structlog.get_logger()

BATCH = 1000
"""Records of one transaction."""
TRIES_BESIDE_OTHERS = 2
"""After these a batch that others were always quicker with is admitted alone."""
T = TypeVar("T")
Beside = Callable[[Tx], Awaitable[None]]
Judge = Callable[[Sequence[Verdict]], None]
"""Looks at the verdicts before they are committed; what it raises undoes them."""
_QUICKER = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class AdmissionFailed(GridwardError):
    """Nothing of the batch was taken; it may be sent again once the fault in the log is mended."""


class Undone(GridwardError):
    """Some of a whole were rejected, so nothing of it was taken."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        super().__init__("nothing was taken")
        self.verdicts = verdicts


def all_or_none(verdicts: Sequence[Verdict]) -> None:
    """Raises Undone."""
    if any(verdict.word == REJECTED for verdict in verdicts):
        raise Undone(verdicts)


def _not_alone(reading: Reading, verdict: Verdict, undone: Collection[bytes | None]) -> Reading:
    """undone: what was accepted beside it and is not taken: a repetition of that is not taken either."""
    if verdict.problems:
        return replace(reading, record=None, problems=verdict.problems)
    if verdict.word == ACCEPTED or verdict.found_by in undone:
        return replace(reading, record=None, problems=(Problem("", "not_alone"),))
    return reading


class Door:
    """One a process: `door_of`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.room = Room()
        self._desk: Desk | None = None
        self._opening = asyncio.Lock()
        self._grouping = Grouping(self._admit_once_more, BATCH)

    async def desk(self) -> Desk:
        """Opened at the first use: the pepper lies in the database."""
        async with self._opening:
            if self._desk is None:
                async with own_work.transaction(self._app) as turn:
                    self._desk = await open_desk(turn.tx, self._app.settings)
            return self._desk

    async def looking(self, look: Callable[[Tx], Awaitable[T]]) -> T:
        """What `look` finds, in a transaction of its own."""
        async with own_work.transaction(self._app) as turn:
            return await look(turn.tx)

    async def record_id(self, feed: str, source_id: str) -> str | None:
        """Of a record as its sender names it; None: there is none, or whom it named is forgotten."""
        found_by = (await self.desk()).pepper.found_by(feed, source_id)
        return await self.looking(lambda tx: records.id_of(tx, found_by))

    async def now(self) -> datetime:
        """By the clock in force."""
        async with own_work.transaction(self._app) as turn:
            return turn.now

    async def record_refused(self, look: Look, owners: Sequence[str]) -> None:
        """In the access record of those that there are: a caller who was shown nobody could not write it."""
        if owners:
            async with own_work.transaction(self._app) as turn:
                there = await people.known_of(turn.tx, owners)
                await accesses.record(turn.tx, turn.now, look, dict.fromkeys(there, False))

    async def admit_one(self, line: bytes, sender: Sender) -> Verdict:
        """One record, in a transaction shared with those that arrive beside it."""
        return await self._grouping.admit(read(line, sender))

    async def admit_batch(self, lines: Sequence[bytes], sender: Sender) -> list[Verdict]:
        """At most BATCH records in a transaction of their own."""
        return await self._admit_once_more([read(line, sender) for line in lines])

    async def admit_readings(self, readings: Sequence[Reading], beside: Beside | None = None) -> list[Verdict]:
        """What was read elsewhere, in one transaction. beside: work at its beginning that stands or falls with it."""
        return await self._admit_once_more(readings, beside)

    async def admit_whole(self, readings: Sequence[Reading]) -> list[Verdict]:
        """All of them, or none: beside one that is rejected the others lie among the rejected too, to be sent again."""
        try:
            return await self._admit_once_more(readings, None, all_or_none)
        except Undone as undone:
            taken = {verdict.found_by for verdict in undone.verdicts if verdict.word == ACCEPTED}
            failed = [_not_alone(*each, taken) for each in zip(readings, undone.verdicts, strict=True)]
            return await self._admit_once_more(failed)

    async def _admit_once_more(
        self, readings: Sequence[Reading], beside: Beside | None = None, judge: Judge | None = None
    ) -> list[Verdict]:
        for _ in range(TRIES_BESIDE_OTHERS):
            try:
                return await self._admit(readings, beside, judge, alone=False)
            except _QUICKER:
                continue
        return await self._admit(readings, beside, judge, alone=True)

    async def _admit(
        self, readings: Sequence[Reading], beside: Beside | None, judge: Judge | None, *, alone: bool
    ) -> list[Verdict]:
        desk = await self.desk()
        try:
            async with own_work.transaction(self._app) as turn:
                await records.take_turn(turn.tx, alone=alone)
                turn.now = await clock.now(turn.tx, self._app.settings.clock)  # not that of its waiting: see forgetting
                desk = await desk.held(turn.tx)
                if beside is not None:
                    await beside(turn.tx)
                verdicts = await admit(turn.tx, turn.now, readings, desk)
                if judge is not None:
                    judge(verdicts)
                turn.say([event for verdict in verdicts for event in verdict.events])
            return verdicts
        except GridwardError:
            raise
        except Exception as error:
            if is_transient(error) or (isinstance(error, _QUICKER) and not alone):
                raise
            # The error's own text may repeat what was sent, which no log may hold: only its kind and place are told.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("admission failed", error=type(error).__name__, file=place.filename, line=place.lineno)
            raise AdmissionFailed("a fault here, not in your records: send them again after it is mended") from None


_DOORS: WeakKeyDictionary[App, Door] = WeakKeyDictionary()


def door_of(app: App) -> Door:
    """The one door of this process, for its routes and its listeners."""
    return _DOORS.setdefault(app, Door(app))
