"""The books of the door, as metrics: received = accepted + duplicate + rejected + pending, by feed."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Gauge

from contracts.policy.days import DAY, day_of, start_of_day
from services.chassis.database import Tx
from services.chassis.service import Tick, Worked
from services.intake.store import books

RECORDS = Gauge(
    "gridward_ledger_records",
    "Records of the present Shanghai day by what became of them: a feed that falls silent or is suddenly rejected. "
    "The same at every replica: take the max.",
    ["feed", "verdict"],
)
PENDING = Gauge(
    "gridward_ledger_pending_records",
    "Records received on the present Shanghai day that have no verdict: stays 0, else the door lost one. "
    "The same at every replica: take the max.",
    ["feed"],
)


async def _show(tx: Tx, now: datetime) -> Worked:
    midnight = start_of_day(day_of(now))
    sums = dict[str, dict[str, int]]()
    for row in await books.load_ledger(tx, midnight, midnight + DAY, None):
        feed = sums.setdefault(row["feed"], dict.fromkeys(("accepted", "duplicate", "rejected", "pending"), 0))
        for name in feed:
            feed[name] += row[name]
    RECORDS.clear()
    PENDING.clear()
    for name, counted in sums.items():
        PENDING.labels(name).set(counted.pop("pending"))
        for word, number in counted.items():
            RECORDS.labels(name, word).set(number)
    return Worked()


SHOW_LEDGER = Tick("ledger", every_seconds=10, run=_show)
