"""Intake bolted to the chassis: it serves the door and the worker's page, hears what is due, shows its books."""

from __future__ import annotations

from importlib.resources import files

from services.chassis import own_work
from services.chassis.service import App, Service
from services.chassis.turning import turning
from services.intake import owing
from services.intake.desk import open_desk
from services.intake.health.listening import listening
from services.intake.ledger import SHOW_LEDGER
from services.intake.routes import routes
from services.intake.salts import salting
from services.intake.turning import PARTS


async def _make_ready(app: App) -> None:
    """Refuse to serve without the key that opens this database's vault."""
    async with own_work.transaction(app) as turn:
        desk = await open_desk(turn.tx, app.settings)
    app.ticks += [turning(app, desk.ring, PARTS), salting(desk.ring.hold)]


SERVICE = Service(
    name="intake",
    schema=files("services.intake").joinpath("schema.sql").read_text(encoding="utf-8"),
    on_batch=owing.on_batch,
    ticks=(SHOW_LEDGER,),
    routes=routes,
    on_start=_make_ready,
    beside=listening,
)
