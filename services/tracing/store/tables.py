"""Which table keeps which fact: the columns of its own, and those that name the persons whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from contracts.envelope import Fact
from contracts.events.cases import CaseClassified, CaseFound
from contracts.events.contacts import ExposureNamed
from contracts.events.people import PersonsMerged
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import (
    PlacementEnded,
    PlacementStarted,
    QuarantineEnded,
    QuarantineOrdered,
)
from contracts.events.testing import TestResulted, TubeResulted, TubeSampled

COMMON = {
    "statement_id": "text",
    "revision": "int",
    "withdrawn": "bool",
    "drill": "bool",
    "division_code": "text",
    "received_at": "timestamptz",
    "event_time": "timestamptz",
    "event_id": "text",
}
TEXT, INSTANT, NUMBER = "text", "timestamptz", "float8"
MERGES = "merges"


@dataclass(frozen=True)
class Table:
    """columns: those of the fact, by its field's name, with their SQL type. names: returned as they were and are."""

    name: str
    columns: Mapping[str, str]
    names: Sequence[str] = field(default=("person_id",))

    @cached_property
    def upsert(self) -> str:
        """Rows as one array a column, no statement twice; the highest revision stays, the first reception too.

        Returns, for each row that changed: statement_id, revised (false: only received_at fell), each of names as it
        was (null: not there) and as it is. Rows are locked in order of their ids, so that two transactions with the
        same statements never wait in a ring.
        """
        columns = {**COMMON, **self.columns}
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), 1))
        newer = ", ".join(
            f"{name} = case when excluded.revision > t.revision then excluded.{name} else t.{name} end"
            for name in columns
            if name not in ("statement_id", "received_at")
        )
        names = "".join(f", old.{name} as old_{name}, new.{name} as new_{name}" for name in self.names)
        return (
            f"insert into {self.name} as t ({', '.join(columns)}) select * from unnest({arrays}) order by 1 "  # noqa: S608
            "on conflict (statement_id) do update set"
            f" received_at = least(t.received_at, excluded.received_at), {newer} "
            "where excluded.revision > t.revision or excluded.received_at < t.received_at "
            f"returning new.statement_id as statement_id, old.revision is distinct from new.revision as revised{names}"
        )


TABLES: Mapping[type[Fact], Table] = {
    ExposureNamed: Table(
        "exposures",
        {
            "person_id": TEXT,
            "other_id": TEXT,
            "other_division_code": TEXT,
            "way": TEXT,
            "first_at": INSTANT,
            "last_at": INSTANT,
        },
        names=("person_id", "other_id"),
    ),
    PersonsMerged: Table(MERGES, {"person_id": TEXT, "other_id": TEXT}, names=("person_id", "other_id")),
    TestResulted: Table("tests", {"person_id": TEXT, "sampled_at": INSTANT, "resulted_at": INSTANT, "result": TEXT}),
    TubeSampled: Table("tubes", {"tube_id": TEXT, "sampled_at": INSTANT}, names=("tube_id",)),
    TubeResulted: Table(
        "tube_results", {"tube_id": TEXT, "resulted_at": INSTANT, "result": TEXT}, names=("tube_id", "result")
    ),
    CaseFound: Table(
        "findings",
        {"person_id": TEXT, "classification": TEXT, "found_at": INSTANT, "found_how": TEXT, "onset_at": INSTANT},
    ),
    CaseClassified: Table("classifications", {"person_id": TEXT, "classification": TEXT, "classified_at": INSTANT}),
    QuarantineOrdered: Table(
        "orders",
        {
            "person_id": TEXT,
            "order_id": TEXT,
            "office": TEXT,
            "decider": TEXT,
            "legal_basis": TEXT,
            "document": TEXT,
            "reason": TEXT,
            "served_at": INSTANT,
            "measures": "jsonb",
        },
    ),
    QuarantineEnded: Table("order_ends", {"person_id": TEXT, "order_id": TEXT, "decider": TEXT, "ended_at": INSTANT}),
    PlacementStarted: Table(
        "placements", {"person_id": TEXT, "placement_id": TEXT, "mode": TEXT, "site_id": TEXT, "started_at": INSTANT}
    ),
    PlacementEnded: Table("placement_ends", {"person_id": TEXT, "placement_id": TEXT, "ended_at": INSTANT}),
    PolicyAdopted: Table(
        "adoptions",
        {
            "jurisdiction_code": TEXT,
            "rule": TEXT,
            "adopted_from": INSTANT,
            "decided_by": TEXT,
            "document": TEXT,
            "hours": NUMBER,
        },
        names=("jurisdiction_code",),
    ),
}
"""CaseReported is heard and not kept: no state follows from a report, the clock is with alerts."""
