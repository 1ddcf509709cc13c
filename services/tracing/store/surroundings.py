"""The surroundings of many persons at once: a handful of statements, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import ContactWay
from contracts.events.quarantine import Measure, Mode
from contracts.events.testing import Result
from contracts.persons import Merged
from contracts.policy import Adoption
from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.tracing.rules.surroundings import (
    Classified,
    Exposure,
    Finding,
    Order,
    Placement,
    PositiveTube,
    Surroundings,
    Test,
)
from services.tracing.store.states import load_neighbours

Rows = Mapping[str, Sequence[Any]]
MEASURES = TypeAdapter(tuple[Measure, ...])

# The facts that stand, by table; order by statement makes two readings of the same facts the same reading.
_COMMON = "division_code, event_time, event_id"
_OF_PERSON = {
    "classifications": "classification, classified_at",
    "findings": "found_at, found_how, onset_at",
    "tests": "sampled_at, resulted_at, result",
    "orders": "order_id, served_at, measures",
    "order_ends": "order_id, ended_at",
    "placements": "placement_id, mode, started_at",
    "placement_ends": "placement_id, ended_at",
}
_EXPOSURES = """
select person_id, statement_id, division_code, event_time, event_id, other_id, way, first_at, last_at,
       received_at
  from exposures where person_id = any($1) and person_id <> other_id and not withdrawn
union all
select other_id, statement_id, other_division_code, event_time, event_id, person_id, way, first_at, last_at,
       received_at
  from exposures where other_id = any($1) and person_id <> other_id and not withdrawn
order by statement_id"""
_REVISIONS = """
select statement_id, withdrawn, person_id, classification = 'excluded' as excluded, received_at
  from classification_revisions where statement_id = any($1) order by statement_id, revision desc"""
_POSITIVE_TUBES = """
select m.person_id, t.statement_id, m.division_code, t.event_time, t.event_id, m.tube_id, r.resulted_at
  from tube_members m join tubes t using (statement_id)
  cross join lateral (select resulted_at, result from tube_results r where r.tube_id = m.tube_id and not r.withdrawn
                      order by resulted_at desc, event_time desc, statement_id desc limit 1) r
 where m.person_id = any($1) and not t.withdrawn and r.result = 'positive' order by t.statement_id"""


class Loaded(NamedTuple):
    """around: by person, in the order asked for.

    times: the latest Event.time of each neighbour who is a case or a close contact.
    """

    around: dict[str, Surroundings]
    times: dict[str, datetime]


async def load_surroundings(tx: Tx, person_ids: Sequence[str], merged: Merged) -> Loaded:
    """The surroundings of these persons, each with what was said under any id that means the person.

    Of whom another id is kept nothing is left: all of it is that one's.

    The division is the one that the latest fact on the person says, of those that stand. Tubes that are not
    positive have no say: nobody is derived because of them, so what they say would be known or not by chance.
    """
    facts: dict[str, Rows] = {}
    asked = sorted(merged.everybody(person_ids))
    for table, columns in _OF_PERSON.items():
        query = f"select person_id, statement_id, {_COMMON}, {columns} from {table}"  # noqa: S608
        rows = await tx.fetch(f"{query} where person_id = any($1) and not withdrawn order by statement_id", asked)
        facts[table] = _by_person(rows, merged)
    exposures = await tx.fetch(_EXPOSURES, asked)
    met = await load_merged(tx, {row["other_id"] for row in exposures})
    # Nobody meets himself under another id.
    exposures = [row for row in exposures if met.kept(row["other_id"]) != merged.kept(row["person_id"])]
    facts["exposures"] = _by_person(exposures, merged)
    classified = [row["statement_id"] for rows in facts["classifications"].values() for row in rows]
    said_since = _said_since(await tx.fetch(_REVISIONS, classified), merged) if classified else {}
    facts["tubes"] = _by_person(await tx.fetch(_POSITIVE_TUBES, asked), merged)
    adoptions = await load_adoptions(tx)
    neighbours, times = await load_neighbours(tx, sorted({met.kept(row["other_id"]) for row in exposures}))
    loaded = Loaded({}, times)
    for person_id in person_ids:
        own = {table: rows.get(person_id, ()) for table, rows in facts.items()}
        every = [row for rows in own.values() for row in rows]
        latest = max(every, key=lambda row: (row["event_time"], row["event_id"]), default=None)
        division_code = latest["division_code"] if latest else ""
        loaded.around[person_id] = Surroundings(
            person_id, division_code, neighbours=neighbours, adoptions=adoptions, **_facts(own, met, said_since)
        )
    return loaded


async def load_adoptions(tx: Tx) -> tuple[Adoption, ...]:
    """Every adoption that stands, everywhere; there are few. None is made in an exercise."""
    rows = await tx.fetch(
        "select jurisdiction_code, rule, adopted_from, decided_by, document, hours from adoptions"
        " where not withdrawn and not drill order by statement_id"
    )
    return tuple(
        Adoption(division_code=code, key=rule, adopted_from=at, decided_by=by, document=document, hours=hours)
        for code, rule, at, by, document, hours in rows
    )


def _by_person(rows: Sequence[Any], merged: Merged) -> Rows:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[merged.kept(row["person_id"])].append(row)
    return found


def _said_since(revisions: Sequence[Any], merged: Merged) -> dict[str, datetime]:
    """By statement: when the first of its latest revisions in a row was received that say the same of one person."""

    def says(row: Any) -> tuple[bool, str, bool]:
        return row["withdrawn"], merged.kept(row["person_id"]), row["excluded"]

    since = {}
    for statement_id, rows in groupby(revisions, key=itemgetter("statement_id")):
        _, latest = next(groupby(rows, key=says))
        since[statement_id] = min(row["received_at"] for row in latest)
    return since


def _facts(own: Rows, met: Merged, said_since: Mapping[str, datetime]) -> dict[str, Any]:
    """The fields of Surroundings that hold facts. Two statements of one placement or order are one: the first.

    met: by which id a neighbour is known. said_since: by classification.
    """
    order_ends = _earliest(own["order_ends"], "order_id")
    placement_ends = _earliest(own["placement_ends"], "placement_id")
    orders = {
        row["order_id"]: Order(
            row["order_id"], row["served_at"], MEASURES.validate_json(row["measures"]), order_ends.get(row["order_id"])
        )
        for row in reversed(own["orders"])
    }
    placements = {
        row["placement_id"]: Placement(
            row["placement_id"], Mode(row["mode"]), row["started_at"], placement_ends.get(row["placement_id"])
        )
        for row in reversed(own["placements"])
    }
    return {
        "classifications": tuple(
            Classified(
                r["statement_id"],
                Classification(r["classification"]),
                r["classified_at"],
                r["event_time"],
                said_since.get(r["statement_id"], r["event_time"]),  # a replica of before kept no revisions
            )
            for r in own["classifications"]
        ),
        "findings": tuple(
            Finding(r["statement_id"], r["found_at"], FoundHow(r["found_how"]), r["onset_at"]) for r in own["findings"]
        ),
        "tests": tuple(
            Test(r["statement_id"], r["sampled_at"], r["resulted_at"], Result(r["result"])) for r in own["tests"]
        ),
        "positive_tubes": tuple(
            {r["tube_id"]: PositiveTube(r["tube_id"], r["resulted_at"]) for r in own["tubes"]}.values()
        ),
        "orders": tuple(orders.values()),
        "placements": tuple(placements.values()),
        "exposures": tuple(
            Exposure(
                r["statement_id"],
                met.kept(r["other_id"]),
                ContactWay(r["way"]),
                r["first_at"],
                r["last_at"],
                r["received_at"],
            )
            for r in own["exposures"]
        ),
    }


def _earliest(ends: Sequence[Any], key: str) -> dict[str, datetime]:
    """An end reached is an end: of several stated, the earliest."""
    earliest: dict[str, datetime] = {}
    for row in ends:
        earliest[row[key]] = min(row["ended_at"], earliest.get(row[key], row["ended_at"]))
    return earliest
