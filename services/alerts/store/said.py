"""What the log says that alerts said, beside what alerts holds, after a replay; and the messages kept over it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from contracts.events.deadlines import DeadlineJudged
from services.alerts.store.clocks import Clock, load_clocks
from services.alerts.store.watches import Missed
from services.chassis.database import Tx

_KEEP_MESSAGES = """
set local client_min_messages = warning;
create table if not exists messages_before as table messages"""
_MESSAGES_BACK = """
insert into messages select * from messages_before
on conflict (post_id, sent_at) do update set line = excluded.line, items = excluded.items;
drop table messages_before"""
_MISSED = """
select placement_id, slot_end_at, slot_start_at, person_id, division_code, revision, withdrawn, drill from missed"""
_OPENING = """
select unit, recorded_at from openings where (deadline, person_id) = ($1, $2) order by recorded_at limit 1"""
_OPENING_OF_LEAD = """
select null as unit, recorded_at from lead_facts where lead_id = $1 and at = $2 order by statement_id limit 1"""


class Said(NamedTuple):
    """A statement as last said."""

    revision: int
    withdrawn: bool
    body: str
    division_code: str
    drill: bool
    event_time: datetime


async def keep_messages(tx: Tx) -> None:
    """What was told to people stays as it was told: put aside, once, before the tables are emptied."""
    await tx.execute(_KEEP_MESSAGES)


async def put_messages_back(tx: Tx) -> None:
    await tx.execute(_MESSAGES_BACK)


async def load_said(tx: Tx, type_: str) -> dict[str, Said]:
    """The statements of a type by id."""
    rows = await tx.fetch(
        "select statement_id, revision, withdrawn, body, division_code, drill, event_time from said where type = $1",
        type_,
    )
    return {row[0]: Said(*row[1:]) for row in rows}


async def load_every_clock(tx: Tx) -> list[Clock]:
    people = [row[0] for row in await tx.fetch("select person_id from people")]
    return list((await load_clocks(tx, people)).values())


async def load_every_missed(tx: Tx) -> list[Missed]:
    return [Missed(**row) for row in await tx.fetch(_MISSED)]


async def set_clock_revisions(tx: Tx, revisions: Iterable[tuple[str, int]]) -> None:
    """By clock_id."""
    await tx.executemany("update clocks set revision = $2 where clock_id = $1", list(revisions))


async def set_missed_revisions(tx: Tx, revisions: Iterable[tuple[str, str, datetime, int]]) -> None:
    """By placement, person and end of the slot."""
    await tx.executemany(
        "update missed set revision = $4 where (placement_id, person_id, slot_end_at) = ($1, $2, $3)", list(revisions)
    )


async def forget_missed(tx: Tx, slots: Iterable[tuple[str, str, datetime]]) -> None:
    """Slots that were missed and taken back before anybody heard of it."""
    await tx.executemany("delete from missed where (placement_id, person_id, slot_end_at) = ($1, $2, $3)", list(slots))


async def opening_of(tx: Tx, fact: DeadlineJudged) -> tuple[str | None, datetime] | None:
    """Unit and first reception of what opened a clock, withdrawn or not."""
    if fact.about_id is not None:
        row = await tx.fetchrow(_OPENING_OF_LEAD, fact.about_id, fact.started_at)
    else:
        row = await tx.fetchrow(_OPENING, fact.deadline, fact.person_id)
    return (row["unit"], row["recorded_at"]) if row else None
