"""Alerts on one screen: what it hears, what time does, what it shows."""

from __future__ import annotations

from importlib.resources import files

from services.alerts import handlers, timers
from services.alerts.posts import begin_keys
from services.alerts.routes import routes
from services.chassis.service import Service, Tick

SERVICE = Service(
    name="alerts",
    schema=(files(__package__) / "schema.sql").read_text("utf-8"),
    on_batch=handlers.on_batch,
    ticks=(Tick("timers", every_seconds=0.2, run=timers.work, when_caught_up=True, after_facts=True),),
    pending=timers.pending,
    routes=routes,
    on_start=begin_keys,
)
