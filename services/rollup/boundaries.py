"""Boundaries that changed while the service was down: lines drawn anew, every figure summed anew."""

from __future__ import annotations

import structlog

from contracts.divisions import Divisions
from services.chassis import own_work
from services.chassis.service import App
from services.rollup.store import places

log = structlog.get_logger()


async def settle(app: App) -> None:
    """At start. Replicas with another edition must not run beside this one: they would add along the old lines."""
    async with own_work.transaction(app) as turn:
        moved = await places.redraw(turn.tx, Divisions.load())
    if moved:
        log.warning("boundaries changed, figures summed anew", service=app.name, divisions=len(moved), first=moved[:5])
