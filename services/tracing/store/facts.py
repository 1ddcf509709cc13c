"""Facts as they come, a batch at a time: the highest revision of each statement, and whom what changed concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, Fact
from contracts.events.contacts import ExposureNamed
from contracts.events.quarantine import QuarantineOrdered
from contracts.events.testing import Result, TubeSampled
from services.chassis.database import Tx
from services.tracing.store.stale import DIVISION, PERSON, TUBE, Cause, Named
from services.tracing.store.tables import TABLES, Table


async def save_facts(tx: Tx, events: Sequence[Event[Fact]]) -> set[Named]:
    """Keeps what is new in a batch; returns what it makes stale: persons, tubes and divisions, as they were and are."""
    groups: dict[type[Fact], list[Event[Fact]]] = defaultdict(list)
    for event in events:
        groups[type(event.data)].append(event)
    stale: set[Named] = set()
    for kind, table in TABLES.items():
        if group := groups.get(kind):
            stale |= await _save(tx, kind, table, group)
    return stale


async def _save(tx: Tx, kind: type[Fact], table: Table, events: Sequence[Event[Fact]]) -> set[Named]:
    newest, received = _newest(events)
    rows = [_row(event, received[event.data.statement_id], table) for event in newest.values()]
    changed = await tx.fetch(table.upsert, *zip(*rows, strict=True))
    causes = {row["statement_id"]: Cause.of(newest[row["statement_id"]]) for row in changed}
    if kind is TubeSampled:
        before = await _save_members(tx, [newest[row["statement_id"]] for row in changed])
        members = {Named(PERSON, person, causes[statement]) for statement, person in before}
        return members | {Named(TUBE, row["new_tube_id"], causes[row["statement_id"]]) for row in changed}
    return {named for row in changed for named in _named(table, row, causes[row["statement_id"]])}


def _newest(events: Sequence[Event[Fact]]) -> tuple[dict[str, Event[Fact]], dict[str, datetime]]:
    """By statement: the event of the highest revision in the batch, and the least Event.time."""
    newest: dict[str, Event[Fact]] = {}
    received: dict[str, datetime] = {}
    for event in events:
        statement = event.data.statement_id
        kept = newest.setdefault(statement, event)
        if event.data.revision > kept.data.revision:
            newest[statement] = event
        received[statement] = min(event.time, received.get(statement, event.time))
    return newest, received


def _row(event: Event[Fact], received_at: datetime, table: Table) -> tuple[Any, ...]:
    fact = event.data
    common = (fact.statement_id, fact.revision, fact.withdrawn, event.drill, received_at, event.time, event.id)
    own = (getattr(fact, column) for column in table.columns)
    if isinstance(fact, QuarantineOrdered):
        measures = ",".join(measure.model_dump_json() for measure in fact.measures)
        own = (f"[{measures}]" if column == "measures" else getattr(fact, column) for column in table.columns)
    return *common, *own


def _named(table: Table, row: Any, cause: Cause) -> Iterable[Named]:
    """What a changed row makes stale. A tube whose result never was positive concerns nobody."""
    if table.name == "tube_results":
        if Result.POSITIVE in (row["old_result"], row["new_result"]):
            yield from (Named(TUBE, row[name], cause) for name in ("old_tube_id", "new_tube_id") if row[name])
        return
    kind = DIVISION if table.name == "adoptions" else PERSON
    for name in table.names:
        yield from (Named(kind, row[column], cause) for column in (f"old_{name}", f"new_{name}") if row[column])


async def _save_members(tx: Tx, tubes: Sequence[Event[Fact]]) -> set[tuple[str, str]]:
    """The members of the revisions kept; returns (statement, person) of the members that other revisions had."""
    facts = [event.data for event in tubes if isinstance(event.data, TubeSampled)]
    if not facts:
        return set()
    gone = await tx.fetch(
        "delete from tube_members m using tubes t where m.statement_id = t.statement_id and t.statement_id = any($1)"
        " returning m.statement_id, m.person_id",
        [fact.statement_id for fact in facts],
    )
    members = sorted({(f.statement_id, f.tube_id, member.person_id) for f in facts for member in f.members})
    await tx.execute(
        "insert into tube_members (statement_id, tube_id, person_id)"
        " select * from unnest($1::text[], $2::text[], $3::text[])",
        *zip(*members, strict=True),
    )
    return {(row["statement_id"], row["person_id"]) for row in gone}


async def learn_divisions(tx: Tx, events: Sequence[Event[Fact]]) -> set[Named]:
    """The division of each person that an event names, if none later is known; returns those who have moved."""
    latest: dict[str, tuple[datetime, str, str]] = {}
    causes: dict[str, Cause] = {}
    for event in events:
        for person_id, division_code in _divisions(event):
            said = (event.time, event.id, division_code)
            if person_id not in latest or latest[person_id] < said:
                latest[person_id], causes[person_id] = said, Cause.of(event)
    if not latest:
        return set()
    persons = sorted(latest)
    moved = await tx.fetch(
        "insert into persons as p (person_id, as_of, event_id, division_code)"
        " select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) order by 1"
        " on conflict (person_id) do update set as_of = excluded.as_of, event_id = excluded.event_id,"
        " division_code = excluded.division_code where (p.as_of, p.event_id) < (excluded.as_of, excluded.event_id)"
        " returning person_id, old.division_code <> new.division_code as moved",
        persons,
        *zip(*(latest[person_id] for person_id in persons), strict=True),
    )
    return {Named(PERSON, row["person_id"], causes[row["person_id"]]) for row in moved if row["moved"]}


def _divisions(event: Event[Fact]) -> Iterable[tuple[str, str]]:
    fact = event.data
    if isinstance(fact, TubeSampled):
        return ((member.person_id, member.division_code) for member in fact.members)
    own = [(event.subject, event.division)] if fact.key_field == "person_id" else []
    return [*own, (fact.other_id, fact.other_division_code)] if isinstance(fact, ExposureNamed) else own
