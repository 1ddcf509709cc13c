"""Erasing whom nobody needs any more, so that no way leads back from who somebody was to what the log says.

What may be erased is worked out from all records in one reading; then person after person, in small transactions in
which no record is admitted, so that whoever comes again meanwhile stays. Of a record that named one of them nothing is
left but the hash by which it would be found: sent again it is a duplicate, of nothing. Beside the running service.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json

from contracts.policy import measures_ended_at
from services.chassis import clock
from services.chassis.database import Tx
from services.chassis.settings import Settings
from services.chassis.settling import desk as connected
from services.intake import salts
from services.intake.desk import Desk, open_desk
from services.intake.identity import finds_of_dwelling, finds_of_person
from services.intake.lookups import known_by
from services.intake.rules.facts import named_in
from services.intake.rules.recognise import unpack
from services.intake.rules.retention import Asked, Measures, hold
from services.intake.store import books, people, records
from services.intake.store import forgetting as store
from services.intake.vault import Vault

AT_ONCE = 200
"""Persons of one transaction; the door waits some 50 ms for it."""
_WORDS = re.compile(r"[\w·-]{4,64}")
Progress = Callable[[int, int], None]  # persons erased, of how many


@dataclass(frozen=True)
class Order:
    """On whose word, why, after how many days (which the policy states, or a person), in which division."""

    by: str
    reason: str
    days: int
    days_from: str
    division: str = ""


@dataclass(frozen=True)
class Due:
    """How many people may be erased, by county. cutoff: of the last record about each; not_yet: the days alone would
    erase as well, but a backup may still have to be resent into."""

    people: Mapping[str, int]
    cutoff: datetime
    waits_for_backups: bool


class Forgetting:
    """One run, on a connection of its own."""

    def __init__(self, db: Tx, settings: Settings, desk: Desk, order: Order, now: datetime) -> None:
        self._db, self._settings, self._desk, self._order, self._now = db, settings, desk, order, now
        self._cutoff = now

    async def look(self) -> Due:
        """Who is due. Erases nothing."""
        async with self._db.transaction(isolation="repeatable_read"):
            await store.prepare(self._db)
            asked = self._now - timedelta(days=self._order.days)
            untied = await salts.untied_before(self._db)
            self._cutoff = min(asked, untied) if untied else asked
            await store.need(self._db, await self._tied_and_held())
            await store.need(self._db, await self._named_in_rejects())
            people = await store.find_due(self._db, self._order.division, self._cutoff)
        return Due(people, self._cutoff, self._cutoff < asked)

    async def erase(self, total: int, progress: Progress) -> int:
        """Those who are due. How many were erased: whoever was named again meanwhile stays."""
        done = 0
        while taken := await store.take_due(self._db, AT_ONCE):
            done += await self._erase_persons(taken)
            progress(done, total)
        await self._erase_dwellings()
        async with self._db.transaction():
            if not self._order.division:
                await store.erase_rejects(self._db, self._cutoff)
            await store.sweep(self._db)
        await store.clean(self._db)
        return done

    async def _tied_and_held(self) -> set[str]:
        """Ties each record to whom it names; gives those who are placed, ordered, sought, or wait for something."""
        measures, asked = Measures(), Asked()
        async for told in store.read_records(self._db):
            ties = []
            for each in told:
                said = unpack(each.said).sayings
                measures.tell(said)
                asked.tell(said, each.named_besides)
                named = named_in(said) | {*each.named_besides}
                ties += [(owner, each.found_by, each.received_at) for owner in named]
            await store.tie(self._db, ties)
        still_run = hold(self._cutoff, measures_ended_at(self._now))
        return measures.held(self._now) | asked.held() if still_run else set()

    async def _named_in_rejects(self) -> set[str]:
        """People named by rejected rows that stay: somebody may still mend them, and they hold who it was."""
        named, after = set[str](), 0
        vault = await self._desk.ring.read(self._db)
        while rows := await books.load_rejects(self._db, None, after, AT_ONCE):
            after = rows[-1].reject_id
            lines = [vault.open(row.sealed, row.body_hash.hex()) for row in rows if self._stays(row.rejected_at)]
            words = {word for line in lines for word in _words_of(line.partition(b"\n")[2])}
            named |= await known_by(self._db, vault, words)
        return named

    def _stays(self, rejected_at: datetime) -> bool:
        """A row may name no division, or a wrong one: an order for a part erases none, for it may be another's."""
        return bool(self._order.division) or rejected_at >= self._cutoff

    async def _erase_persons(self, taken: Sequence[str]) -> int:
        async with self._alone() as vault:
            gone = {*taken} - await self._named_since()
            rows = await people.load_persons(self._db, gone, lock=True)
            finds = [find for row in rows.values() for find in finds_of_person(vault, _content(vault, row))]
            await store.erase(self._db, rows, [find.found_by for find in finds])
            order = self._order
            await store.note(
                self._db,
                forgotten_at=self._now,
                done_by=order.by,
                reason=order.reason,
                days=order.days,
                days_from=order.days_from,
                division_code=order.division,
                persons=len(rows),
            )
        return len(rows)

    async def _erase_dwellings(self) -> None:
        after = ""
        while True:
            async with self._alone() as vault:
                due = await store.due_dwellings(self._db, self._order.division, self._cutoff, after, AT_ONCE)
                if not due:
                    return
                after = due[-1]
                rows = await people.load_dwellings(self._db, {*due} - await self._named_since(), lock=True)
                finds = [find for row in rows.values() for find in finds_of_dwelling(vault, _content(vault, row))]
                await store.erase(self._db, rows, [find.found_by for find in finds])

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Vault]:
        """A transaction in which no record is admitted."""
        async with self._db.transaction(isolation="read_committed"):
            await records.take_turn(self._db, alone=True)
            yield await self._desk.ring.hold(self._db)

    async def _named_since(self) -> set[str]:
        """Whom records named that came after all was read."""
        named = set[str]()
        async for told in store.read_records(self._db, self._now):
            for each in told:
                named |= named_in(unpack(each.said).sayings) | {*each.named_besides}
        return named


@asynccontextmanager
async def forgetting(settings: Settings, order: Order) -> AsyncIterator[Forgetting]:
    """Raises DatabaseAway, NeverRan, WrongSettings, KeyNotKnown."""
    async with connected("intake", settings) as db:
        async with db.transaction():
            await records.take_turn(db, alone=True)  # what comes from now on bears this instant or a later one
            now = await clock.now(db, settings.clock)
            desk = await open_desk(db, settings)
            await salts.destroy_old(db, now)
        yield Forgetting(db, settings, desk, order, now)


def _content(vault: Vault, row: people.PersonRow | people.DwellingRow) -> Mapping[str, Any]:
    content: Mapping[str, Any] = from_json(vault.open(row.sealed, row[0]))
    return content


def _words_of(line: bytes) -> Iterable[str]:
    """Everything in a rejected row that may be a number, a reference or a telephone."""
    try:
        texts = _texts(from_json(line))
    except ValueError:
        texts = iter([line.decode(errors="replace")])
    for text in texts:
        for word in {text.strip(), *_WORDS.findall(text)}:
            yield from (word, word.upper())


def _texts(value: Any) -> Iterator[str]:
    """A number may stand without quotation marks, for which the row may have been rejected; a message is one text."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str | int):
        yield str(value)
