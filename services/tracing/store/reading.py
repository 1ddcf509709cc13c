"""What the routes read: one person with the facts under the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.exercise import IDS, named_id
from services.chassis.database import Tx
from services.tracing.store.tables import TABLES

MOST_ROWS = 200


async def load_divisions(tx: Tx, person_ids: Sequence[str]) -> dict[str, str]:
    """Where each lives, as last derived; without those of whom nothing was derived."""
    rows = await tx.fetch("select person_id, division_code from states where person_id = any($1)", person_ids)
    return {row[0]: row[1] for row in rows}


async def load_facts(tx: Tx, person_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """By table, the newest statements (at most 200 of each) that name one of the ids, withdrawn ones too."""
    facts = {}
    for table in TABLES.values():
        if "person_id" in table.names:
            whom = " or ".join(f"{name} = any($1)" for name in table.names)
            facts[table.name] = await tx.fetch(
                f"select * from {table.name} where {whom} order by event_time desc, statement_id limit $2",  # noqa: S608
                person_ids,
                MOST_ROWS,
            )
    facts["tubes"] = await tx.fetch(
        "select t.*, r.resulted_at, r.result from tube_members m join tubes t using (statement_id)"
        " left join tube_results r on r.tube_id = t.tube_id and not r.withdrawn"
        " where m.person_id = any($1) order by t.event_time desc, t.statement_id limit $2",
        person_ids,
        MOST_ROWS,
    )
    return {name: [_as_named(row) for row in rows] for name, rows in facts.items() if rows}


def _as_named(row: Any) -> dict[str, Any]:
    shown = dict(row)
    return shown | {name: named_id(shown[name], drill=shown["drill"]) for name in IDS if shown.get(name) is not None}
