"""The roster and who answers for what: rows as records told them, replaced with the record that told them."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from services.chassis.database import Tx
from services.intake.rules import lead_rows
from services.intake.rules import roster as rows
from services.intake.rules.roster import Row

_TABLES: dict[type[Any], str] = {
    rows.Call: "calls",
    rows.Resident: "residents",
    rows.Register: "registers",
    rows.Presence: "presences",
    rows.Round: "rounds",
    rows.Assigned: "assignments",
    rows.Handed: "hand_overs",
    rows.Check: "checks",
    rows.Stay: "stays",
    lead_rows.LeadHeld: "leads",
    lead_rows.LeadDone: "lead_steps",
    lead_rows.NeedHeld: "needs",
    lead_rows.NeedDone: "needs_met",
}


async def forget(tx: Tx, record_ids: Collection[str]) -> None:
    """What these records told is gone: they are corrected or withdrawn."""
    if record_ids:
        for table in _TABLES.values():
            await tx.execute(f"delete from {table} where record_id = any($1::text[])", list(record_ids))  # noqa: S608


_FOLLOWING = (("lead_steps", "lead_id"), ("needs_met", "need_id"), ("owed", "about_id"))
"""Columns that hold the id of a record which another one told of."""
_ANOTHER = "encode(sha256(convert_to({0} || $2, 'UTF8')), 'hex')"


async def let_go(tx: Tx, owners: Collection[str], record_ids: Collection[str]) -> None:
    """These persons or dwellings are forgotten. What the records told of others stays, tied to no record any more."""
    nobody_knows = secrets.token_hex(16)
    for kind, table in _TABLES.items():
        for owner in {"person_id", "dwelling_id"} & {*kind._fields}:
            await tx.execute(f"delete from {table} where {owner} = any($1::text[])", list(owners))  # noqa: S608
    await tx.execute("delete from owed where person_id = any($1::text[])", list(owners))
    tied = [*((table, "record_id") for table in _TABLES.values()), *_FOLLOWING]
    for table, column in tied:
        await tx.execute(
            f"update {table} set {column} = {_ANOTHER.format(column)} where {column} = any($1::text[])",  # noqa: S608
            list(record_ids),
            nobody_knows,
        )


async def keep(tx: Tx, told: Iterable[Row]) -> None:
    """Rows of records that have none yet."""
    by_kind = defaultdict[type[Any], list[Row]](list)
    for row in told:
        by_kind[type(row)].append(row)
    for kind, its in by_kind.items():
        await tx.copy_records_to_table(_TABLES[kind], columns=kind._fields, records=its)


BELOW = """division_code collate "C" >= $1 and division_code collate "C" < $1 || '~'"""
"""In a division and below it, by the index: codes are digits, and local suffixes letters and digits."""

BELOW_ANY = """exists (select from unnest($1::text[]) d
                       where {0} collate "C" >= d and {0} collate "C" < d || '~')"""
"""In one of several divisions, or below it: of a column."""


async def load(tx: Tx, kind: type[Any], division: str) -> list[Any]:
    """The rows of one kind in a division and below it."""
    found = await tx.fetch(
        f"select {', '.join(kind._fields)} from {_TABLES[kind]} where {BELOW} order by record_id",  # noqa: S608
        division,
    )
    return [kind._make(row) for row in found]


async def hand_overs_around(tx: Tx, division: str) -> list[rows.Handed]:
    """Those of a division, of those below it and of those above it."""
    found = await tx.fetch(
        f"select {', '.join(rows.Handed._fields)} from hand_overs"  # noqa: S608
        " where starts_with(division_code, $1) or starts_with($1, division_code) order by record_id",
        division,
    )
    return [rows.Handed(*row) for row in found]


async def places_of_dwellings(tx: Tx, dwelling_ids: Collection[str]) -> dict[str, str]:
    """Those that are known, each with its grid."""
    sql = "select dwelling_id, division_code from vault_dwellings where dwelling_id = any($1::text[])"
    return {row[0]: row[1] for row in await tx.fetch(sql, list(dwelling_ids))}


async def open_rounds(tx: Tx, divisions: Sequence[str], now: datetime) -> list[rows.Round]:
    """Rounds that are open at now for one of the divisions or for one above it, the latest opened first."""
    found = await tx.fetch(
        f"""select {", ".join(rows.Round._fields)} from rounds
            where from_at <= $2 and until_at > $2
              and exists (select from unnest($1::text[]) d where starts_with(d, division_code))
            order by from_at desc, record_id""",  # noqa: S608
        list(divisions),
        now,
    )
    return [rows.Round(*row) for row in found]


async def duties_of(tx: Tx, post_id: str, now: datetime) -> tuple[list[rows.Assigned], list[rows.Handed]]:
    """Assignments and hand-overs that may make something this post's at now: its own, and of whom it took over from."""
    posts, handed = {post_id}, dict[str, rows.Handed]()
    fresh = {post_id}
    while fresh:
        found = await tx.fetch(
            f"select {', '.join(rows.Handed._fields)} from hand_overs"  # noqa: S608
            " where (to_post_id = any($1::text[]) or from_post_id = any($1::text[])) and handed_at <= $2",
            list(fresh),
            now,
        )
        handed |= {row[0]: rows.Handed(*row) for row in found}
        fresh = {row["from_post_id"] for row in found} - posts
        posts |= fresh
    assigned = await tx.fetch(
        f"select {', '.join(rows.Assigned._fields)} from assignments"  # noqa: S608
        " where post_id = any($1::text[]) and valid_from_at <= $2 order by record_id",
        list(posts),
        now,
    )
    return [rows.Assigned(*row) for row in assigned], list(handed.values())
