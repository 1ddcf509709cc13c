"""The roster follows from what comes in: each accepted record leaves its rows, and takes them back with itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.chassis.database import Tx
from services.intake.records import Record
from services.intake.rules.roster import rows_of, tells
from services.intake.rules.statements import Ids
from services.intake.store import corrections, roster


class Told(NamedTuple):
    """An accepted record. record: None when it is withdrawn; known: it was told before, otherwise.

    sender: who told it. before, after: what it said and what it says, packed.
    """

    record_id: str
    kind: str
    record: Record | None
    ids: Ids
    known: bool
    entered_by: str
    sender: str
    division_code: str
    revision: int
    before: bytes
    after: bytes


async def keep_roster(tx: Tx, now: datetime, told: Sequence[Told]) -> None:
    """In the transaction that admits the records; what was otherwise before stays to be read (who, when, why)."""
    changed = [each for each in told if each.known]
    await corrections.keep(tx, now, [_change(each) for each in changed])
    its = [each for each in told if tells(each.kind) or each.known]
    await roster.forget(tx, [each.record_id for each in its if each.known])
    await roster.keep(
        tx, [row for each in its if each.record for row in rows_of(each.record, each.ids, each.entered_by)]
    )


def _change(told: Told) -> corrections.Change:
    why = told.record.corrected_because if told.record else None
    withdrawn = told.record is None
    head = (told.record_id, told.division_code, told.revision, told.sender)
    return corrections.Change(*head, why, withdrawn, told.before, told.after)
