"""Rollup on one screen: what it hears as a batch, what it checks by itself, at start and later, what it shows."""

from __future__ import annotations

from importlib.resources import files

from services.chassis.service import Service, Tick
from services.rollup.boundaries import settle
from services.rollup.drift import look_for_drift
from services.rollup.folding import fold_history
from services.rollup.gathering import gather
from services.rollup.handlers import on_batch
from services.rollup.routes import routes
from services.rollup.rules.screenings import parse_quickly

SERVICE = Service(
    name="rollup",
    schema=(files(__package__) / "schema.sql").read_text("utf-8"),
    parse=parse_quickly,
    gather=gather,
    on_batch=on_batch,
    ticks=(Tick("drift", every_seconds=5, run=look_for_drift), Tick("fold", every_seconds=30, run=fold_history)),
    routes=routes,
    on_start=settle,
)
