"""The service on one screen: a batch of facts is kept, a tick derives, routes show state and why."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from services.chassis.database import Tx
from services.chassis.service import Service, Tick
from services.tracing.deriver import derive_stale
from services.tracing.handlers import on_batch
from services.tracing.routes import routes
from services.tracing.store.stale import count_stale


async def pending(tx: Tx, now: datetime) -> int:
    """Rows of `stale`: at rest there are none."""
    del now
    return await count_stale(tx)


SERVICE = Service(
    name="tracing",
    schema=files("services.tracing").joinpath("schema.sql").read_text(),
    on_batch=on_batch,
    ticks=(Tick("derive", every_seconds=0.05, run=derive_stale, after_facts=True),),
    pending=pending,
    routes=routes,
)
