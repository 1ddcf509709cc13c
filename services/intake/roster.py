"""The roster follows from what comes in: each accepted record leaves its rows, and takes them back with itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.chassis.database import Tx
from services.intake.records import Record
from services.intake.rules.facts import Ids
from services.intake.rules.roster import rows_of, tells
from services.intake.store import roster


class Told(NamedTuple):
    """An accepted record. record: None when it is withdrawn; known: it was told before, otherwise."""

    record_id: str
    kind: str
    record: Record | None
    ids: Ids
    known: bool
    entered_by: str


async def keep_roster(tx: Tx, told: Sequence[Told]) -> None:
    """In the transaction that admits the records."""
    its = [each for each in told if tells(each.kind) or each.known]
    await roster.forget(tx, [each.record_id for each in its if each.known])
    await roster.keep(
        tx, [row for each in its if each.record for row in rows_of(each.record, each.ids, each.entered_by)]
    )
