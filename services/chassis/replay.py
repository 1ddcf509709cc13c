"""Inputs heard again from the log with the outbox off, at the instants at which they were heard; protocol.md b 31.

What a service says meanwhile is dropped. What it did say lies in its own topics: the temporary table `said` holds each
statement as last said, and `Replaying.settle` gives the service its revisions back and says what is otherwise by now.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asyncpg import Connection

from contracts.envelope import Event, Fact
from contracts.events.policies import TimeAdvanced
from contracts.topics import said_by
from services.chassis import clock, deadletter, outbox
from services.chassis.database import Tx, is_transient
from services.chassis.deadletter import Failed
from services.chassis.fence import Number
from services.chassis.masking import reason_of
from services.chassis.merging import Cursor, Item, merged
from services.chassis.once import handled
from services.chassis.reader import LogReader
from services.chassis.resent import load_resent, with_resent
from services.chassis.service import Service, Worked

STEP = timedelta(seconds=1)  # what intake received within it is heard at once
MOST_EVENTS = 4_000  # of a step

_SAID = """
create temporary table if not exists said (
    type text not null, statement_id text not null, revision int not null, withdrawn bool not null, body text not null,
    division_code text not null, drill bool not null, event_time timestamptz not null,
    primary key (type, statement_id));
truncate said"""
_KEEP_SAID = """
insert into said select distinct on (x.type, x.statement_id) *
  from unnest($1::text[], $2::text[], $3::int[], $4::bool[], $5::text[], $6::text[], $7::bool[], $8::timestamptz[])
       x(type, statement_id, revision, withdrawn, body, division_code, drill, event_time)
 order by x.type, x.statement_id, x.revision desc
 on conflict (type, statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn,
    body = excluded.body, division_code = excluded.division_code, drill = excluded.drill,
    event_time = excluded.event_time where said.revision < excluded.revision"""
_SET_ASIDE = """
select topic || '/' || partition || '/' || number from dead_letters
 where number is not null and (closed_at is null or closed_by not like 'resent %')"""
_MOVE = """
update positions set next_offset = $4, epoch = $5, source = $6, last = $7
 where (consumer, topic, partition) = ($1, $2, $3)"""

Work = Callable[[Tx, datetime, Sequence[Event[Any]]], Awaitable[Worked]]


@dataclass(frozen=True)
class Replaying:
    """How a service is brought to what the log says.

    work: what it does by itself at an instant, given what it said just then. settle: reads `said`, sets revisions,
    gives what is still to be said. begin: before anything is heard. kept: tables that do not come from the log.
    beats: facts of its own at whose instants it did something that time alone asked for.
    """

    settle: Callable[[Tx], Awaitable[list[Event[Any]]]]
    work: Work | None = None
    begin: Callable[[Tx], Awaitable[None]] | None = None
    kept: frozenset[str] = frozenset()
    beats: tuple[type[Fact], ...] = ()


def body_of(fact: Fact) -> str:
    """The fact without its revision: equal text is an equal fact."""
    return fact.model_dump_json(exclude={"revision", "withdrawn"})


@dataclass
class Step:
    """What was heard within a second, and what the service itself said exactly at its first instant."""

    at: datetime
    until: datetime
    heard: list[Item] = field(default_factory=list)
    beats: list[Event[Any]] = field(default_factory=list)


@dataclass
class Replay:
    """One replay. moving: positions and the stage clock go on with it; known: ids of own events that count as beats."""

    db: Connection
    service: Service
    how: Replaying
    dead_letters_an_hour: int
    moving: bool = False
    known: frozenset[str] | None = None
    progress: Callable[[int, datetime], None] = lambda done, at: None
    _aside: frozenset[str] = frozenset()
    _own: list[Event[Any]] = field(default_factory=list)
    _done: int = 0

    async def run(self, reader: LogReader, heard: Sequence[Cursor], own: Sequence[Cursor]) -> None:
        """Hear it all; each step is a transaction. Raises LogBroken, KafkaError, or what a handler cannot bear."""
        await self.db.execute(_SAID)
        # A database that was put back holds what was resent before: only one that is emptied hears it again.
        resent = [] if self.moving else await load_resent(self.db)
        self._aside = frozenset(row[0] for row in await self.db.fetch(_SET_ASIDE)) | {_place(item) for item in resent}
        last: Step | None = None
        async with aclosing(self._steps(with_resent(merged(reader, [*heard, *own]), resent))) as steps:
            async for step in steps:
                await self._take(step)
                last = step
        await self._keep_said()
        if last is not None:
            await self._take(Step(last.until, last.until))

    async def settle(self) -> int:
        """Revisions as said, differences into the outbox; how many. In the caller's transaction."""
        return await outbox.write(self.db, self.service.name, await self.how.settle(self.db))

    async def _steps(self, items: AsyncIterator[Item]) -> AsyncGenerator[Step]:
        own_topics = {topic.key for topic in said_by(self.service.name)}
        step: Step | None = None
        async for item in items:
            self._done += not item.resent
            own = item.position.topic in own_topics
            if own and item.event is not None:
                self._own.append(item.event)
            beat = own and self._is_beat(item.event)
            if step is not None and _ends(step, item.at, beat):
                yield step
                step = None
            step = step or Step(item.at, item.at)
            step.until = max(step.until, item.at)
            if beat and item.event is not None:
                step.beats.append(item.event)
            elif not own:
                step.heard.append(item)
        if step is not None:
            yield step

    def _is_beat(self, event: Event[Any] | None) -> bool:
        return (
            event is not None
            and isinstance(event.data, self.how.beats)
            and (self.known is None or event.id in self.known)
        )

    async def _take(self, step: Step) -> None:
        async with self.db.transaction(isolation="read_committed"):
            await self._work(step.at, step.beats)
            await self._hear([item for item in step.heard if not self._is_aside(item)])
            await self._work(step.until, [beat for beat in step.beats if beat.time == step.until])
            if self.moving:
                await self._move(step.heard)
            if len(self._own) >= MOST_EVENTS:
                await self._keep_said()
        self.progress(self._done, step.until)

    async def _work(self, at: datetime, beats: Sequence[Event[Any]]) -> None:
        if self.how.work is not None:
            while (await self.how.work(self.db, at, beats)).more:
                pass

    def _is_aside(self, item: Item) -> bool:
        return not item.resent and _place(item) in self._aside

    async def _hear(self, items: Sequence[Item]) -> None:
        """Whole; where that fails, one by one, and what fails alone is set aside as by the consumer."""
        failed = [Failed(item.record, item.unreadable) for item in items if item.unreadable]
        try:
            async with self.db.transaction():
                await handled(self.service, [item.event for item in items if item.event is not None], self.db)
        except Exception as error:
            if is_transient(error):
                raise
            failed += await self._one_by_one(items)
        await deadletter.keep(self.db, failed, self.dead_letters_an_hour)

    async def _one_by_one(self, items: Sequence[Item]) -> list[Failed]:
        failed = []
        for item in items:
            try:
                async with self.db.transaction():
                    await handled(self.service, [item.event] if item.event is not None else [], self.db)
            except Exception as error:
                if is_transient(error):
                    raise
                failed.append(Failed(item.record, reason_of(error, item.record.value)))
        return failed

    async def _move(self, heard: Sequence[Item]) -> None:
        for item in heard:
            if item.event is not None and isinstance(item.event.data, TimeAdvanced):
                await clock.advance(self.db, item.event.data)
        reached = {item.position.lane: item.position for item in heard}
        await self.db.executemany(
            _MOVE,
            [
                (self.service.name, *lane, at.next_offset, at.epoch, at.source, at.last)
                for lane, at in sorted(reached.items())
            ],
        )

    async def _keep_said(self) -> None:
        rows = [
            (
                event.type, event.data.statement_id, event.data.revision, event.data.withdrawn, body_of(event.data),
                event.division, event.drill, event.time,
            )
            for event in self._own
        ]  # fmt: skip
        self._own = []
        if rows:
            await self.db.execute(_KEEP_SAID, *map(list, zip(*rows, strict=True)))


def _place(item: Item) -> str:
    topic, partition = item.position.lane
    return f"{topic}/{partition}/{Number.of(item.record.headers)}"


def _ends(step: Step, at: datetime, beat: bool) -> bool:
    return at - step.at >= STEP or len(step.heard) >= MOST_EVENTS or (beat and at != step.at)
