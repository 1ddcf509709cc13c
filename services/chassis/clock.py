"""Time. `now` is an argument everywhere else: it is read here alone, in the transaction that uses it.

On stage `now` is a row of each service's schema, told by TimeAdvanced; so two runs of one play can be equal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from contracts.events.policies import TimeAdvanced
from services.chassis.database import Tx

_STAGE = "select now_at + case when running then clock_timestamp() - anchored_at else interval '0' end from stage"
NOW = {"wall": "clock_timestamp()", "stage": f"({_STAGE})"}
"""By the setting: an expression of SQL."""
_ADVANCE = """
update stage set now_at = $1, running = $2, anchored_at = clock_timestamp(), statement_id = $3, revision = $4
 where statement_id is distinct from $3 or revision < $4"""


async def now(tx: Tx, clock: Literal["wall", "stage"]) -> datetime:
    """The instant of this transaction, with its zone."""
    instant: datetime = await tx.fetchval(f"select {NOW[clock]}")
    return instant


async def advance(tx: Tx, told: TimeAdvanced) -> None:
    """Set the stage clock; a revision not above the one known of the same statement is ignored."""
    await tx.execute(_ADVANCE, told.to_at, told.running, told.statement_id, told.revision)
