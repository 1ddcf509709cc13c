"""How rollup is brought to what the log says: it hears again; it says nothing, and looks for drift once it runs."""

from __future__ import annotations

from typing import Any

from contracts.envelope import Event
from services.chassis.database import Tx
from services.chassis.replay import Replaying


async def _settle(tx: Tx) -> list[Event[Any]]:
    del tx
    return []


REPLAYING = Replaying(settle=_settle)
