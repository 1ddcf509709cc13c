"""Which ids mean one person, and who decided so, when and why: every decision is kept, undone ones too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.events.people import PersonsMerged
from services.chassis.database import Tx


class Decision(NamedTuple):
    """One act on a merge. revision 1 merges; a withdrawn one parts. sealed: the reason, bound to the statement."""

    statement_id: str
    revision: int
    record_id: str
    person_id: str
    other_id: str
    division_code: str
    withdrawn: bool
    decided_at: datetime
    decided_by: str
    sealed: bytes


_COLUMNS = ", ".join(Decision._fields)


async def save_merges(tx: Tx, facts: Sequence[PersonsMerged], decisions: Sequence[Decision]) -> None:
    """What records that were just admitted say; they are locked, so their revisions only rise."""
    if not facts:
        return
    await tx.execute(
        """insert into merges select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::text[])
           on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn""",
        [fact.statement_id for fact in facts],
        [fact.revision for fact in facts],
        [fact.withdrawn for fact in facts],
        [fact.person_id for fact in facts],
        [fact.other_id for fact in facts],
    )
    await keep_decisions(tx, decisions)


async def keep_decisions(tx: Tx, decisions: Sequence[Decision]) -> None:
    """Beside all earlier ones."""
    await tx.executemany(
        f"insert into vault_decisions ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"  # noqa: S608
        " on conflict do nothing",
        decisions,
    )


async def decisions_on(tx: Tx, person_ids: Iterable[str]) -> list[Decision]:
    """Every decision that names one of these ids, in the order in which they were made."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from vault_decisions"  # noqa: S608
        " where person_id = any($1::text[]) or other_id = any($1::text[]) order by decided_at, statement_id, revision",
        list(person_ids),
    )
    return [Decision(*row) for row in rows]


async def last_decision(tx: Tx, record_id: str) -> Decision | None:
    """The last one that a record made."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from vault_decisions where record_id = $1 order by revision desc limit 1",  # noqa: S608
        record_id,
    )
    return Decision(*row) if row else None


async def decisions_after(tx: Tx, after: str, limit: int) -> list[Decision]:
    """For sealing anew: by statement and revision."""
    statement_id, _, revision = after.rpartition(" ")
    rows = await tx.fetch(
        f"select {_COLUMNS} from vault_decisions where (statement_id, revision) > ($1, $2)"  # noqa: S608
        " order by statement_id, revision limit $3",
        statement_id,
        int(revision or 0),
        limit,
    )
    return [Decision(*row) for row in rows]


async def seal_decisions_anew(tx: Tx, decisions: Iterable[Decision]) -> None:
    await tx.executemany(
        "update vault_decisions set sealed = $3 where (statement_id, revision) = ($1, $2)",
        [(each.statement_id, each.revision, each.sealed) for each in decisions],
    )
