"""Does each figure still have as many rows as it says? Asked by turns, indicator by indicator (promise 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import Gauge

from contracts.indicators import BY_CODE
from services.chassis.database import Tx
from services.chassis.service import Worked
from services.rollup.store import drift

DRIFT_FIGURES = Gauge(
    "gridward_drift_figures",
    "Figures that differ from the rows they are made of, at any level of both trees: somebody altered a row by hand, "
    "or the code is wrong. GET /drift names them. Must be 0. The same at every replica: take the max.",
)
ROWS_A_TURN = 50_000  # what is larger has a turn of its own, and pays for it with turns in which nothing is compared


async def look_for_drift(tx: Tx, now: datetime) -> Worked:
    """Compare the indicators whose turn it is; a replica that finds another at it only reads the result."""
    if await drift.alone(tx) and not await drift.rests(tx):
        chosen = whose_turn(await drift.load_sizes(tx))
        await drift.save_check(tx, chosen, await drift.compare(tx, chosen), now, ROWS_A_TURN)
    DRIFT_FIGURES.set(await drift.count_drifts(tx))
    return Worked()


def whose_turn(sizes: Mapping[str, int], limit: int = ROWS_A_TURN) -> list[str]:
    """Indicators never checked, then those checked longest ago, as many as hold `limit` rows; at least one.

    sizes: rows of each as last counted, the one checked longest ago first.
    """
    chosen = [code for code in BY_CODE if code not in sizes]
    rows = 0
    for code, size in sizes.items():
        rows += size
        if chosen and rows > limit:
            break
        chosen.append(code)
    return chosen
