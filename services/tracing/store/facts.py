"""Facts as they come, a batch at a time: the highest revision of each statement, and whom what changed concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, Fact
from contracts.events.cases import CaseClassified
from contracts.events.quarantine import QuarantineOrdered
from contracts.events.testing import Result, TubeSampled
from services.chassis.database import Tx
from services.tracing.store.stale import DIVISION, MERGE, PERSON, RESULT, TUBE, Cause, Named
from services.tracing.store.tables import MERGES, TABLES, Table


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
        before = await _save_members(tx, [newest[row["statement_id"]] for row in changed if row["revised"]])
        members = {Named(PERSON, person, causes[statement]) for statement, person in before}
        return members | {Named(TUBE, row["new_tube_id"], causes[row["statement_id"]]) for row in changed}
    stale = {named for row in changed for named in _named(table, row, causes[row["statement_id"]])}
    return stale | await _save_revisions(tx, events) if kind is CaseClassified else stale


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
    said = (event.drill, event.division, received_at, event.time, event.id)
    own = (getattr(fact, column) for column in table.columns)
    if isinstance(fact, QuarantineOrdered):
        measures = ",".join(measure.model_dump_json() for measure in fact.measures)
        own = (f"[{measures}]" if column == "measures" else getattr(fact, column) for column in table.columns)
    return fact.statement_id, fact.revision, fact.withdrawn, *said, *own


def _named(table: Table, row: Any, cause: Cause) -> Iterable[Named]:
    """What a changed row makes stale: of a tube the members where it is or was positive, by this word or another."""
    if table.name == "tube_results":
        kind = RESULT if Result.POSITIVE in (row["old_result"], row["new_result"]) else TUBE
        yield from (Named(kind, row[name], cause) for name in ("old_tube_id", "new_tube_id") if row[name])
        return
    kind = {"adoptions": DIVISION, MERGES: MERGE}.get(table.name, PERSON)
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
    divisions = {(f.statement_id, f.tube_id, m.person_id): m.division_code for f in facts for m in f.members}
    await tx.execute(
        "insert into tube_members (statement_id, tube_id, person_id, division_code)"
        " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])",
        *zip(*divisions, strict=True),
        list(divisions.values()),
    )
    return {(row["statement_id"], row["person_id"]) for row in gone}


async def _save_revisions(tx: Tx, events: Sequence[Event[Any]]) -> set[Named]:
    """Every revision of classifications; returns of whom one that was not known, or not so early, bears on."""
    first: dict[tuple[str, int], Event[Any]] = {}
    for event in sorted(events, key=lambda event: event.time):
        first.setdefault((event.data.statement_id, event.data.revision), event)
    facts = [(*key, e.data.withdrawn, e.data.person_id, e.data.classification, e.time) for key, e in first.items()]
    changed = await tx.fetch(_SAVE_REVISIONS, *zip(*facts, strict=True))
    return {Named(PERSON, row["person_id"], Cause.of(first[row["statement_id"], row["revision"]])) for row in changed}


_SAVE_REVISIONS = """
with changed as (
    insert into classification_revisions as r
    select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::text[], $6::timestamptz[]) order by 1, 2
    on conflict (statement_id, revision) do update set received_at = excluded.received_at
     where excluded.received_at < r.received_at
    returning statement_id, revision)
select changed.*, c.person_id from changed join classifications c using (statement_id)"""
