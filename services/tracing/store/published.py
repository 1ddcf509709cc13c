"""What was last said about each person, so that only differences are said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope import REGISTRY, Fact
from services.chassis.database import Tx


@dataclass(frozen=True, slots=True)
class Published:
    """body: the fact as JSON text without its revision, never withdrawn."""

    statement_id: str
    person_id: str
    type: str
    revision: int
    withdrawn: bool
    body: str
    division_code: str
    drill: bool
    event_time: datetime

    def fact(self) -> Fact:
        """What was said, with its revision."""
        fact = REGISTRY.facts[self.type].model_validate_json(self.body)
        return fact.model_copy(update={"revision": self.revision, "withdrawn": self.withdrawn})


COLUMNS = "statement_id, person_id, type, revision, withdrawn, body, division_code, drill, event_time"


async def load_published(tx: Tx, person_ids: Sequence[str]) -> dict[str, dict[str, Published]]:
    """By person, then by statement; withdrawn ones too, since a revision is never given twice."""
    rows = await tx.fetch(f"select {COLUMNS} from published where person_id = any($1)", person_ids)  # noqa: S608
    found: dict[str, dict[str, Published]] = defaultdict(dict)
    for row in rows:
        found[row["person_id"]][row["statement_id"]] = Published(*row)
    return found


async def save_published(tx: Tx, rows: Sequence[Published]) -> None:
    """Keeps what is said now; the persons are locked."""
    if rows:
        await tx.execute(
            f"insert into published ({COLUMNS}) select * from unnest($1::text[], $2::text[], $3::text[], $4::int[],"  # noqa: S608
            " $5::bool[], $6::text[], $7::text[], $8::bool[], $9::timestamptz[])"
            " on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn,"
            " body = excluded.body, division_code = excluded.division_code, drill = excluded.drill,"
            " event_time = excluded.event_time",
            *zip(*([getattr(row, name) for name in COLUMNS.split(", ")] for row in rows), strict=True),
        )


async def load_open(tx: Tx, type_: str, division_code: str, most: int) -> list[Published]:
    """The statements of a type that stand, in a division and below it, by id; at most so many."""
    rows: Sequence[Any] = await tx.fetch(
        f"select {COLUMNS} from published where type = $1 and not withdrawn"  # noqa: S608
        " and starts_with(division_code, $2) order by statement_id limit $3",
        type_,
        division_code,
        most,
    )
    return [Published(*row) for row in rows]
