"""Folding the history by turns, so that it grows with what changed and not with the number of batches or of hours."""

from __future__ import annotations

from datetime import datetime

from services.chassis.database import Tx
from services.chassis.service import Worked
from services.rollup.rules.past import hours_kept_from
from services.rollup.store import folding

ROWS_A_TURN = 20_000  # some tenths of a second of one core; ten million rows take four hours


async def fold_history(tx: Tx, now: datetime) -> Worked:
    """Fold the divisions whose turn it is, days before the last week whole. Changes no figure, present or past."""
    await folding.fold_next(tx, ROWS_A_TURN, hours_kept_from(now))
    return Worked()
