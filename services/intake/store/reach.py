"""Who is a division's business though he or she is recorded elsewhere: as row security has it for those who look."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.chassis.database import Tx
from services.chassis.merges import load_merged

_THERE = (
    ("vault_persons", "division_code"),
    ("residents", "division_code"),
    ("leads", "division_code"),
    ("lead_steps", "to_division_code"),
    ("owed", "division_code"),
    ("stays", "division_code"),
)
_ASSIGNED = """
select person_id from assignments join unnest($1::text[]) d
    on starts_with(division_code, d) or starts_with(d, division_code)
 where person_id = any($2::text[])"""
_KNOWN = " union ".join([
    *(
        f"""
select person_id from {table} join unnest($1::text[]) d on {place} collate "C" >= d and {place} collate "C" < d || '~'
 where person_id = any($2::text[])"""  # noqa: S608
        for table, place in _THERE
    ),
    _ASSIGNED,
])  # fmt: skip


async def known_there(tx: Tx, divisions: Sequence[str], person_ids: Collection[str]) -> set[str]:
    """Those who, under any of their ids, live in these divisions, were met, registered, sought or placed there.

    And those to whom something is owed there, or for whom somebody there answers; whether or not it is done by now.
    """
    merged = await load_merged(tx, person_ids)
    rows = await tx.fetch(_KNOWN, list(divisions), sorted(merged.everybody(person_ids)))
    return merged.everybody(row[0] for row in rows)
