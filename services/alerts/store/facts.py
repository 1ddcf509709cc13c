"""The facts that start and stop clocks, as they came; a higher revision replaces a lower one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.events.cases import CaseClassified, Classification, Precision
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import CareScheduled, PersonVisited, PlacementEnded
from services.alerts.matters import Matter, close_matters
from services.alerts.rules import opens
from services.chassis.database import Tx

MATTERS = TypeAdapter(list[Matter])


async def lock_people(tx: Tx, people: Iterable[str]) -> None:
    """Lock the rows of these people, made where missing, in one order everywhere."""
    ids = sorted(set(people))
    await tx.execute("insert into people select unnest($1::text[]) on conflict do nothing", ids)
    await tx.execute("select 1 from people where person_id = any($1) order by person_id for update", ids)


def newest(events: Sequence[Event[Any]]) -> list[Event[Any]]:
    """One event a statement: the highest revision in the batch, so that one statement meets each row once."""
    best: dict[str, Event[Any]] = {}
    for event in events:
        held = best.get(event.data.statement_id)
        if held is None or held.data.revision < event.data.revision:
            best[event.data.statement_id] = event
    return [best[key] for key in sorted(best)]


async def save_openings(tx: Tx, deadline: str, events: Sequence[Event[Any]]) -> None:
    """Facts that start the clock of a deadline; recorded_at keeps when it first did."""
    rows = [
        (
            e.data.statement_id,
            deadline,
            e.data.revision,
            not opens(e.data),
            e.data.person_id,
            e.division,
            getattr(e.data, "institution", None),
            e.data.found_at,
            getattr(e.data, "precision", Precision.MINUTE) is Precision.DAY,
            e.time,
            e.drill,
            _matters(e.data),
        )
        for e in newest(events)
    ]
    await tx.execute(
        """insert into openings select * from unnest($1::text[], $2::text[], $3::int[], $4::bool[], $5::text[],
             $6::text[], $7::text[], $8::timestamptz[], $9::bool[], $10::timestamptz[], $11::bool[], $12::jsonb[])
           on conflict (statement_id, deadline) do update set revision = excluded.revision,
             withdrawn = excluded.withdrawn, person_id = excluded.person_id, drill = excluded.drill,
             division_code = excluded.division_code, unit = excluded.unit, started_at = excluded.started_at,
             by_the_day = excluded.by_the_day, matters = excluded.matters,
             recorded_at = case when openings.withdrawn then excluded.recorded_at
               else least(openings.recorded_at, excluded.recorded_at) end
           where openings.revision < excluded.revision""",
        *columns(rows, 12),
    )


def _matters(fact: Any) -> str | None:
    """Those that start clocks, of a contact of whom several are stated."""
    return MATTERS.dump_json(close_matters(fact)).decode() if getattr(fact, "matters", ()) else None


async def save_stops(tx: Tx, deadline: str, at: str, events: Sequence[Event[Any]]) -> None:
    """Facts that stop the clock of a deadline; `at` names the field that holds the instant."""
    rows = [
        (
            e.data.statement_id,
            deadline,
            e.data.revision,
            e.data.withdrawn,
            e.data.person_id,
            getattr(e.data, at),
            getattr(e.data, "precision", Precision.MINUTE) is Precision.DAY,
            e.time,
            getattr(e.data, "placement_id", None),
            getattr(e.data, "mode", None),
        )
        for e in newest(events)
    ]
    await tx.execute(
        """insert into stops select * from unnest($1::text[], $2::text[], $3::int[], $4::bool[], $5::text[],
             $6::timestamptz[], $7::bool[], $8::timestamptz[], $9::text[], $10::text[])
           on conflict (statement_id, deadline) do update set revision = excluded.revision,
             withdrawn = excluded.withdrawn, person_id = excluded.person_id, stopped_at = excluded.stopped_at,
             by_the_day = excluded.by_the_day, placement_id = excluded.placement_id,
             mode = excluded.mode
           where stops.revision < excluded.revision""",
        *columns(rows, 10),
    )


async def save_exclusions(tx: Tx, events: Sequence[Event[CaseClassified]]) -> None:
    """What a classification says: what excludes a case parts one illness from the next."""
    rows = [
        (
            e.data.statement_id,
            e.data.revision,
            e.data.withdrawn or e.data.classification is not Classification.EXCLUDED,
            e.data.person_id,
            e.data.classified_at,
        )
        for e in newest(events)
    ]
    await _save_instants(tx, "exclusions", "person_id", "excluded_at", rows)


async def save_placement_ends(tx: Tx, events: Sequence[Event[PlacementEnded]]) -> None:
    """Placements that people left: what began and ended before a clock was opened does not stop it."""
    rows = [
        (e.data.statement_id, e.data.revision, e.data.withdrawn, e.data.placement_id, e.data.ended_at)
        for e in newest(events)
    ]
    await _save_instants(tx, "placement_ends", "placement_id", "ended_at", rows)


async def save_checks(tx: Tx, events: Sequence[Event[PersonVisited]]) -> None:
    """Health checks of people under a measure."""
    rows = [
        (e.data.statement_id, e.data.revision, e.data.withdrawn, e.data.person_id, e.data.visited_at)
        for e in newest(events)
    ]
    await _save_instants(tx, "checks", "person_id", "visited_at", rows)


async def _save_instants(tx: Tx, table: str, about: str, at: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Statements of which an instant is kept. about, at: the columns of whom or what, and when."""
    await tx.execute(
        f"""insert into {table} select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::timestamptz[])
           on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn,
             {about} = excluded.{about}, {at} = excluded.{at}
           where {table}.revision < excluded.revision""",  # noqa: S608 - names of this module's own
        *columns(rows, 5),
    )


async def save_watches(tx: Tx, events: Sequence[Event[CareScheduled]]) -> None:
    """Schedules of visits, one a placement."""
    rows = [
        (
            e.data.placement_id,
            e.data.revision,
            e.data.withdrawn,
            e.data.person_id,
            e.division,
            e.data.from_at,
            e.data.until_at,
            e.data.checks_per_day,
            e.drill,
        )
        for e in newest(events)
    ]
    await tx.execute(
        """insert into watches select x.*, x.from_at, x.from_at from unnest($1::text[], $2::int[], $3::bool[],
             $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::int[], $9::bool[])
             x(placement_id, revision, withdrawn, person_id, division_code, from_at, until_at, checks_per_day, drill)
           on conflict (placement_id, person_id) do update set revision = excluded.revision,
             withdrawn = excluded.withdrawn, division_code = excluded.division_code, from_at = excluded.from_at,
             until_at = excluded.until_at, checks_per_day = excluded.checks_per_day
           where watches.revision < excluded.revision""",
        *columns(rows, 9),
    )


async def save_adoptions(tx: Tx, events: Sequence[Event[PolicyAdopted]]) -> None:
    """Provisional values that a jurisdiction made its own; none does so in an exercise."""
    rows = [
        (
            e.data.statement_id,
            e.data.revision,
            e.data.withdrawn or e.drill,
            e.data.jurisdiction_code,
            e.data.rule,
            e.data.adopted_from,
            e.data.decided_by,
            e.data.document,
            e.data.hours,
        )
        for e in newest(events)
    ]
    await tx.execute(
        """insert into adoptions select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::text[],
             $6::timestamptz[], $7::text[], $8::text[], $9::float8[])
           on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn,
             division_code = excluded.division_code, rule = excluded.rule, adopted_from = excluded.adopted_from,
             hours = excluded.hours
           where adoptions.revision < excluded.revision""",
        *columns(rows, 9),
    )


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as arrays for `unnest`."""
    return [[row[i] for row in rows] for i in range(width)]
