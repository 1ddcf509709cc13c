"""What is to be derived again: appended by whoever commits a fact, taken by the deriver in a later transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from contracts.envelope import Event
from contracts.policy import bound_by
from services.chassis.database import Tx
from services.tracing.store.tables import TABLES

PERSON, TUBE, RESULT, DIVISION, MERGE = "person", "tube", "result", "division", "merge"


class Cause(NamedTuple):
    """The event that made something stale; the greatest of several counts."""

    event_time: datetime
    event_id: str
    correlation: str

    @classmethod
    def of(cls, event: Event[Any]) -> Cause:
        return cls(event.time, event.id, event.correlation)


class Named(NamedTuple):
    """kind: PERSON; TUBE (its members, if it is positive); RESULT (members of a tube that is or was positive);
    DIVISION (every person there and below); MERGE (the person, whoever is one with him, whoever they have met)."""

    kind: str
    key: str
    cause: Cause


async def append_stale(tx: Tx, named: Iterable[Named]) -> None:
    """One row for each kind and key of what is named, with the greatest cause."""
    causes: dict[tuple[str, str], Cause] = {}
    for kind, key, cause in named:
        known = causes.setdefault((kind, key), cause)
        causes[kind, key] = max(known, cause)
    rows = [(kind, key, *cause) for (kind, key), cause in sorted(causes.items())]
    if rows:
        await tx.execute(
            "insert into stale (kind, key, event_time, event_id, correlation)"
            " select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])",
            *zip(*rows, strict=True),
        )


async def take_stale(tx: Tx, most: int) -> dict[tuple[str, str], Cause]:
    """Deletes the first rows that nobody else has taken and returns what they name, with the greatest cause.

    Only rows seen here are deleted: a fact that commits later has its own row, and so its own derivation after it.
    """
    rows = await tx.fetch(
        "delete from stale using (select id from stale order by id limit $1 for update skip locked) first"
        " where stale.id = first.id returning kind, key, event_time, event_id, correlation",
        most,
    )
    taken: dict[tuple[str, str], Cause] = {}
    for kind, key, *cause in rows:
        taken[kind, key] = max(Cause(*cause), taken.get((kind, key), Cause(*cause)))
    return taken


async def count_stale(tx: Tx) -> int:
    """Rows that wait to be derived."""
    return int(await tx.fetchval("select count(*) from stale"))


async def members_of_tubes(tx: Tx, tubes: Mapping[str, Cause], *, if_positive: bool) -> set[Named]:
    """The persons in these tubes; if_positive: where any statement says that the tube is."""
    if not tubes:
        return set()
    rows = await tx.fetch(
        "select distinct tube_id, person_id from tube_members m where tube_id = any($1) and (not $2 or exists"
        " (select from tube_results r where r.tube_id = m.tube_id and r.result = 'positive' and not r.withdrawn))",
        list(tubes),
        if_positive,
    )
    return {Named(PERSON, row["person_id"], tubes[row["tube_id"]]) for row in rows}


async def persons_below(tx: Tx, division_code: str, cause: Cause) -> set[Named]:
    """Everybody met or ordered who has a fact recorded there or below: on them a policy may bear.

    By the facts and not by `states`: facts are committed before anything is derived from them.
    """
    there = " union ".join(
        f"select {person} as person_id from {table} where {division} ^@ any($1::text[])"  # noqa: S608
        for table, person, division in (
            *((table.name, "person_id", "division_code") for table in TABLES.values() if "person_id" in table.names),
            ("exposures", "other_id", "other_division_code"),
            ("tube_members", "person_id", "division_code"),
        )
    )
    rows = await tx.fetch(
        f"select person_id from ({there}) p"  # noqa: S608
        " where exists (select from exposures e where e.person_id = p.person_id)"
        " or exists (select from exposures e where e.other_id = p.person_id)"
        " or exists (select from orders o where o.person_id = p.person_id)"
        # Of whoever is one person with another, the exposure may lie under the other id.
        " or exists (select from merges m where m.person_id = p.person_id)"
        " or exists (select from merges m where m.other_id = p.person_id)",
        list(bound_by(division_code)),
    )
    return {Named(PERSON, row["person_id"], cause) for row in rows}
