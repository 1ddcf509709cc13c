"""What records said before they were corrected or withdrawn: who changed it, when, from what, to what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis.database import Tx


class Change(NamedTuple):
    """before, after: facts as they are packed in `records.said`, ids alone."""

    record_id: str
    division_code: str
    revision: int
    changed_by: str
    why: str | None
    withdrawn: bool
    before: bytes
    after: bytes


async def keep(tx: Tx, now: datetime, changes: Sequence[Change]) -> None:
    """Appended, never changed."""
    if changes:
        await tx.execute(
            """insert into corrections
                   (changed_at, record_id, division_code, revision, changed_by, why, withdrawn, before, after)
               select $1, * from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bool[],
                                        $8::bytea[], $9::bytea[])""",
            now,
            *map(list, zip(*changes, strict=True)),
        )


async def load(tx: Tx, record_id: str) -> list[dict[str, Any]]:
    """Of one record, in the order of its revisions."""
    rows = await tx.fetch(
        "select changed_at, division_code, revision, changed_by, why, withdrawn, before, after from corrections"
        " where record_id = $1 order by revision",
        record_id,
    )
    return [dict(row) for row in rows]
