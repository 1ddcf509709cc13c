"""How tracing is brought to what the log says: facts heard again, derived as they came, revisions as they were said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, say
from services.chassis.database import Tx
from services.chassis.replay import Replaying
from services.chassis.service import Worked
from services.tracing.deriver import derive_stale
from services.tracing.store.said import settle_published


async def _derive(tx: Tx, at: datetime, told: Sequence[Event[Any]]) -> Worked:
    del told
    return await derive_stale(tx, at)


async def _settle(tx: Tx) -> list[Event[Any]]:
    """What is derived otherwise than it was said: by another policy or a mended rule."""
    return [
        say(row.fact(), source="tracing", time=row.event_time, division=row.division_code, drill=row.drill)
        for row in await settle_published(tx)
    ]


REPLAYING = Replaying(settle=_settle, work=_derive)
