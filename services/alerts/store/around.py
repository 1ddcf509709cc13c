"""What is known around people by their facts: whom these concern, what opened and stopped clocks, checks, adoptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import PlacementEnded
from contracts.persons import Merged
from contracts.policy import Adoption, bound_by
from services.alerts.rules import Opening, Stop
from services.alerts.store.facts import Key, columns
from services.chassis.database import Tx


async def find_named_before(tx: Tx, events: Sequence[Event[Any]]) -> dict[str, set[str]]:
    """By statement: whom it named before it was revised, and whose placement it said to be ended."""
    revised = [e.data.statement_id for e in events if e.data.revision > 1]
    ended = [e.data for e in events if isinstance(e.data, PlacementEnded)]
    named: dict[str, set[str]] = {}
    if revised or ended:
        for row in await tx.fetch(
            _NAMED_BEFORE, revised, *columns([(e.statement_id, e.placement_id) for e in ended], 2)
        ):
            named.setdefault(row["statement_id"], set()).add(row["person_id"])
    return named


_NAMED_BEFORE = """
select statement_id, person_id from openings where statement_id = any($1)
union select statement_id, person_id from stops where statement_id = any($1)
union select statement_id, person_id from checks where statement_id = any($1)
union select statement_id, person_id from lead_facts where statement_id = any($1)
union select e.statement_id, s.person_id from placement_ends e join stops s using (placement_id)
 where e.statement_id = any($1)
union select x.statement_id, s.person_id from unnest($2::text[], $3::text[]) x(statement_id, placement_id)
  join stops s using (placement_id)"""


async def find_people_under(tx: Tx, events: Sequence[Event[PolicyAdopted]]) -> list[str]:
    """The people whose clocks an adoption may judge anew, those included for whom it held until it was revised."""
    before = await tx.fetch(
        "select rule, division_code from adoptions where statement_id = any($1)", [e.data.statement_id for e in events]
    )
    there = [(e.data.rule, e.data.jurisdiction_code) for e in events] + [(row[0], row[1]) for row in before]
    rows = await tx.fetch(
        """select distinct c.person_id from clocks c join unnest($1::text[], $2::text[]) x(rule, division)
             on c.deadline = x.rule and starts_with(c.division_code, x.division)""",
        *columns([(rule, code) for rule, jurisdiction in there for code in bound_by(jurisdiction)], 2),
    )
    return [r["person_id"] for r in rows]


async def load_adoptions(tx: Tx) -> list[Adoption]:
    """Every adoption that holds: a handful."""
    rows = await tx.fetch("select * from adoptions where not withdrawn order by statement_id")
    return [
        Adoption(
            division_code=r["division_code"],
            key=r["rule"],
            adopted_from=r["adopted_from"],
            decided_by=r["decided_by"],
            document=r["document"],
            hours=r["hours"],
        )
        for r in rows
    ]


async def load_openings(tx: Tx, people: Sequence[str], merged: Merged) -> dict[Key, Opening]:
    """The earliest opening that holds for each deadline and person, under the id that is kept of each."""
    rows = await tx.fetch(
        """select distinct on (f.deadline, k.kept_id) f.*, k.kept_id from openings f
             join unnest($1::text[], $2::text[]) k(person_id, kept_id) using (person_id) where not f.withdrawn
           order by f.deadline, k.kept_id, f.started_at, f.statement_id""",
        *_ids(people, merged),
    )
    return {
        Key(r["deadline"], r["kept_id"]): Opening(
            r["started_at"], r["recorded_at"], r["division_code"], r["by_the_day"], r["unit"], r["drill"]
        )
        for r in rows
    }


async def load_stops(tx: Tx, people: Sequence[str], merged: Merged, openings: Mapping[Key, Opening]) -> dict[Key, Stop]:
    """The earliest stop that holds for each opening; a placement that had ended when the clock began stops nothing."""
    rows = await tx.fetch(
        """select f.deadline, k.kept_id, f.stopped_at, f.by_the_day, e.ended_at from stops f
             join unnest($1::text[], $2::text[]) k(person_id, kept_id) using (person_id)
             cross join lateral (select min(ended_at) ended_at from placement_ends e
               where e.placement_id = f.placement_id and not e.withdrawn) e
           where not f.withdrawn order by f.stopped_at desc, f.statement_id desc""",
        *_ids(people, merged),
    )
    stops = {}
    for row in rows:
        key = Key(row["deadline"], row["kept_id"])
        opening = openings.get(key)
        if opening is not None and (row["ended_at"] is None or row["ended_at"] > opening.started_at):
            stops[key] = Stop(row["stopped_at"], row["by_the_day"])
    return stops


async def load_visits(
    tx: Tx, people: Sequence[str], since: datetime | None, merged: Merged
) -> dict[str, list[datetime]]:
    """By every id of these people: the instants at which the person was checked, in order, from `since` on."""
    members, kept = _ids(people, merged)
    rows = await tx.fetch(
        """select k.kept_id, array_agg(visited_at order by visited_at) ats from checks
             join unnest($1::text[], $2::text[]) k(person_id, kept_id) using (person_id)
           where not withdrawn and ($3::timestamptz is null or visited_at >= $3) group by 1""",
        members,
        kept,
        since,
    )
    ats = {r["kept_id"]: r["ats"] for r in rows}
    return {each: ats[kept_id] for each, kept_id in zip(members, kept, strict=True) if kept_id in ats}


def _ids(people: Sequence[str], merged: Merged) -> tuple[list[str], list[str]]:
    """Every id of these people, and beside each the one that is kept."""
    members = sorted(merged.everybody(people))
    return members, [merged.kept(each) for each in members]
