"""Salts of weeks: what ties a record to its id in the log, for as long as a backup may have to be put back.

The id of a new record is drawn with the salt of the week. A database that was put back draws it again when the record
comes again, since the salts of the next weeks were in its backup. A week that ended KEPT ago has its salt destroyed:
then the row of `records` is the last tie, and once that is emptied too (`forgetting.py`), neither the log nor all keys
together lead from a number, a name, a source_id or a whole record to what the log says of it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta

from contracts.policy.days import day_of, start_of_day
from services.chassis.database import Tx
from services.chassis.service import Tick, Worked
from services.intake.store import salts
from services.intake.vault import Vault

WEEK = timedelta(days=7)
AHEAD = 5
"""Weeks for which the salts lie ready: a backup may be so old, no older, to be resent into."""
KEPT = WEEK * AHEAD
_BYTES = 32


def week_of(instant: datetime) -> date:
    """The Monday, in Shanghai, of its week."""
    day = day_of(instant)
    return day - timedelta(days=day.weekday())


class Salts:
    """One a process; remembers the salt of the present week."""

    def __init__(self) -> None:
        self._present: tuple[date, bytes] | None = None
        self._made_here: date | None = None

    async def of_week(self, tx: Tx, now: datetime, vault: Vault) -> bytes:
        """32 bytes. Of a week whose salt a batch had to make nothing is remembered: it may be rolled back."""
        week = week_of(now)
        if self._present and self._present[0] == week:
            return self._present[1]
        found = await salts.load(tx, week)
        if found is not None:
            salt = vault.open(found, _bound(week))
            if week != self._made_here:
                self._present = (week, salt)
            return salt
        self._made_here = week
        await make_ready(tx, now, vault)
        made = await salts.load(tx, week)
        assert made is not None  # noqa: S101 - made just now, or by whoever was quicker
        return vault.open(made, _bound(week))

    async def all(self, tx: Tx, vault: Vault) -> list[bytes]:
        """Of every week that has not lost its own."""
        return [vault.open(sealed, _bound(week)) for week, sealed in await salts.load_all(tx)]


async def make_ready(tx: Tx, now: datetime, vault: Vault) -> None:
    """The salts of this week and of those ahead."""
    weeks = [week_of(now) + WEEK * n for n in range(AHEAD + 1)]
    await salts.insert(tx, {week: vault.seal(os.urandom(_BYTES), _bound(week)) for week in weeks})


async def destroy_old(tx: Tx, now: datetime) -> None:
    """Of the weeks that ended KEPT ago."""
    await salts.delete_before(tx, week_of(now - KEPT))


async def untied_before(tx: Tx) -> datetime | None:
    """Records received before this instant are tied to the log by their rows alone; None: every record is."""
    first = await salts.first_week(tx)
    return start_of_day(first) if first else None


def salting(read: Callable[[Tx], Awaitable[Vault]]) -> Tick:
    """The tick that makes salts ready and destroys old ones."""

    async def run(tx: Tx, now: datetime) -> Worked:
        await make_ready(tx, now, await read(tx))
        await destroy_old(tx, now)
        return Worked()

    return Tick("salts", every_seconds=600, run=run)


def seal_anew(vault: Vault, week: date, sealed: bytes) -> bytes:
    return vault.seal(vault.open(sealed, _bound(week)), _bound(week))


def _bound(week: date) -> str:
    return f"salt {week}"
