"""What a worker was asked to check, and what he or she confirmed; and what stands around an entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from services.chassis.database import Tx
from services.intake.problems import Problem
from services.intake.rules import roster as rows
from services.intake.rules.doubtful import Step
from services.intake.store.roster import BELOW


class Doubt(NamedTuple):
    """One thing to check of one record. about_id: the dwelling's or the person's. confirmed_at: the worker says so."""

    record_id: str
    place: int
    division_code: str
    drill: bool
    entered_by: str
    about_id: str
    problem: Problem
    found_at: datetime
    confirmed_at: datetime | None


async def forget(tx: Tx, record_ids: Collection[str]) -> None:
    """These records say something else now, or nothing."""
    await tx.execute("delete from doubts where record_id = any($1::text[])", list(record_ids))


async def keep(tx: Tx, doubts: Sequence[Doubt]) -> None:
    """Of records that have none."""
    await tx.executemany(
        """insert into doubts (record_id, place, division_code, drill, entered_by, about_id, field, code, params,
                               found_at, confirmed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
        [(*each[:6], each.problem.field, each.problem.code, _packed(each.problem), *each[7:]) for each in doubts],
    )


def _problem(row: Mapping[str, Any]) -> Problem:
    return Problem(row["field"], row["code"], from_json(row["params"]))


def _packed(problem: Problem) -> str:
    return to_json(problem.params).decode()


async def load_open(tx: Tx, record_ids: Collection[str]) -> dict[str, list[Problem]]:
    """What still waits for the worker's word, by record."""
    found = dict[str, list[Problem]]()
    for row in await tx.fetch(
        "select record_id, field, code, params from doubts"
        " where record_id = any($1::text[]) and confirmed_at is null order by record_id, place",
        list(record_ids),
    ):
        found.setdefault(row["record_id"], []).append(_problem(row))
    return found


async def load_confirmed(tx: Tx, division: str, limit: int) -> list[tuple[dict[str, Any], Problem]]:
    """In a division and below it, the latest first."""
    found = await tx.fetch(
        f"""select record_id, division_code, drill, entered_by, about_id, found_at, confirmed_at, field, code, params
              from doubts where {BELOW} and confirmed_at is not null order by confirmed_at desc, record_id, place
             limit $2""",  # noqa: S608
        division,
        limit,
    )
    return [(dict(list(row.items())[:7]), _problem(row)) for row in found]


async def steps_of(tx: Tx, post_id: str, drill: bool, first: datetime, last: datetime, near: timedelta) -> list[Step]:
    """Calls and samples of a post between two instants and a while around them."""
    found = await tx.fetch(
        """select record_id, called_at, division_code, channel, dwelling_id from calls
            where entered_by = $1 and entered_by <> '' and drill = $2 and called_at between $3 and $4
           union all
           select record_id, done_at, division_code, 'visit', null from checks
            where entered_by = $1 and entered_by <> '' and drill = $2 and done_at between $3 and $4 and what = $5""",
        post_id,
        drill,
        first - near,
        last + near,
        rows.SAMPLED,
    )
    return [Step(*row) for row in found]


async def roster_of(tx: Tx, dwelling_ids: Collection[str]) -> tuple[list[rows.Resident], list[rows.Register]]:
    """Who was met or registered in these dwellings."""
    asked = list(dwelling_ids)
    residents = await tx.fetch(
        f"select {', '.join(rows.Resident._fields)} from residents where dwelling_id = any($1::text[])",  # noqa: S608
        asked,
    )
    registers = await tx.fetch(
        f"select {', '.join(rows.Register._fields)} from registers where dwelling_id = any($1::text[])"  # noqa: S608
        " order by registered_at, record_id",
        asked,
    )
    return [rows.Resident(*row) for row in residents], [rows.Register(*row) for row in registers]
