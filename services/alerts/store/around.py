"""What is known around people by their facts: whom these concern, what opened and stopped clocks, checks, adoptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from contracts.envelope import Event
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import PlacementEnded
from contracts.persons import Merged
from contracts.policy import Adoption, bound_by
from services.alerts.matters import Act, Exclusion, Key, illnesses, stops_of
from services.alerts.rules import REPORT, Opening, Stop
from services.alerts.store.facts import MATTERS, columns
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
union select statement_id, person_id from exclusions where statement_id = any($1)
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
    """The earliest opening that holds for each deadline, person and matter, under the id that is kept of each."""
    ids = _ids(people, merged)
    rows = await tx.fetch(
        """select f.*, k.kept_id from openings f
             join unnest($1::text[], $2::text[]) k(person_id, kept_id) using (person_id) where not f.withdrawn
           order by f.started_at, f.statement_id""",
        *ids,
    )
    found: dict[Key, list[Opening]] = defaultdict(list)
    for row in rows:
        for begun_by, opening in _matters(row):
            found[Key(row["deadline"], row["kept_id"], begun_by)].append(opening)
    exclusions = await _load_exclusions(tx, *ids)
    openings: dict[Key, Opening] = {}
    for key, its in found.items():
        if key.deadline == REPORT:
            openings |= {key._replace(begun_by=by): one for by, one in illnesses(its, exclusions[key.person_id])}
        else:
            openings[key] = min(its, key=attrgetter("started_at"))
    return openings


def _matters(row: Any) -> Iterator[tuple[str, Opening]]:
    """What an opening began; of a contact of whom several matters are stated each of these."""
    whole = Opening(
        row["started_at"], row["recorded_at"], row["division_code"], row["by_the_day"], row["unit"], row["drill"]
    )
    if row["matters"] is None:
        yield "", whole
        return
    for begun_by, started_at, since_at, over_at in MATTERS.validate_json(row["matters"]):
        recorded_at = max(started_at, whole.recorded_at)
        its = replace(whole, started_at=started_at, recorded_at=recorded_at, since_at=since_at, over_at=over_at)
        yield begun_by, its


async def _load_exclusions(tx: Tx, members: Sequence[str], kept: Sequence[str]) -> Mapping[str, list[Exclusion]]:
    rows = await tx.fetch(
        """select k.kept_id, e.excluded_at, e.statement_id from exclusions e
             join unnest($1::text[], $2::text[]) k(person_id, kept_id) using (person_id) where not e.withdrawn""",
        members,
        kept,
    )
    found: dict[str, list[Exclusion]] = defaultdict(list)
    for kept_id, *exclusion in rows:
        found[kept_id].append(Exclusion(*exclusion))
    return found


async def load_stops(tx: Tx, people: Sequence[str], merged: Merged, openings: Mapping[Key, Opening]) -> dict[Key, Stop]:
    """What stopped each of these clocks, if anything that holds did."""
    rows = await tx.fetch(
        """select f.deadline, k.kept_id, f.stopped_at, f.by_the_day, f.mode, e.ended_at from stops f
             join unnest($1::text[], $2::text[]) k(person_id, kept_id) using (person_id)
             cross join lateral (select min(ended_at) ended_at from placement_ends e
               where e.placement_id = f.placement_id and not e.withdrawn) e
           where not f.withdrawn order by f.stopped_at, f.statement_id""",
        *_ids(people, merged),
    )
    acts: dict[tuple[str, str], list[Act]] = defaultdict(list)
    for deadline, kept_id, stopped_at, by_the_day, mode, ended_at in rows:
        acts[deadline, kept_id].append(Act(Stop(stopped_at, by_the_day), mode, ended_at))
    stops: dict[Key, Stop] = {}
    in_order = sorted(openings, key=lambda key: (key[:2], openings[key].started_at))
    for whose, keys in groupby(in_order, key=itemgetter(0, 1)):
        ordered = list(keys)
        found = stops_of([openings[key] for key in ordered], acts[whose])
        stops |= {key: stop for key, stop in zip(ordered, found, strict=True) if stop is not None}
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
