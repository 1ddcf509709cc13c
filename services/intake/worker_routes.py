"""What a grid worker is served: the list, the roster of the own grid, and who answers for what."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException

from contracts.policy.days import SHANGHAI
from services.chassis.access import Caller
from services.chassis.service import App
from services.intake.door import Door
from services.intake.grid_names import names_of_grid
from services.intake.opening import Purpose
from services.intake.rules.assigned import holder_at
from services.intake.rules.roster import Assigned, Handed
from services.intake.store import roster
from services.intake.today import today


def add_worker(router: APIRouter, app: App, door: Door) -> None:
    """The routes of a worker."""
    _add_lists(router, app, door)


def _add_lists(router: APIRouter, app: App, door: Door) -> None:
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/today")
    async def what_is_due(caller: Asking, division: str | None = None) -> dict[str, Any]:
        """Role worker or leader: what the caller owes now, in order of time left; ids alone."""
        async with app.reading(caller, Purpose.CANVASSING) as turn:
            return await today(turn.tx, turn.now, caller, division)

    @router.get("/roster")
    async def own_roster(caller: Asking, division: str | None = None) -> dict[str, Any]:
        """Role worker or leader: the caller's own households with names; kept in each person's access record."""
        desk = await door.desk()
        async with app.transaction(caller, Purpose.CANVASSING) as turn:
            return await names_of_grid(turn.tx, turn.now, caller, division, (await desk.read(turn.tx)).vault)

    @router.get("/assignments")
    async def who_answers(caller: Asking, division: str, at: datetime | None = None) -> list[dict[str, Any]]:
        """Any role: who answers for what in a division of the caller and below it, now or at an instant."""
        caller.require_division(division)
        if at is not None and at.tzinfo is None:
            raise HTTPException(422, "at needs its offset, for example 2022-03-05T00:00:00+08:00")
        async with app.reading(caller) as turn:
            assigned: list[Assigned] = await roster.load(turn.tx, Assigned, division)
            handed: list[Handed] = await roster.hand_overs_around(turn.tx, division)
            instant = at or turn.now
        holders = [(each, holder_at(each, handed, instant)) for each in assigned]
        return [_answers(each, post) for each, post in holders if post is not None]


def _answers(assigned: Assigned, post_id: str) -> dict[str, Any]:
    what = ("division_code", "duty", "dwelling_id", "person_id", "site_id")
    until = assigned.valid_until_at
    return {
        "post_id": post_id,
        **{name: getattr(assigned, name) for name in what},
        "valid_from_at": assigned.valid_from_at.astimezone(SHANGHAI),
        "valid_until_at": until and until.astimezone(SHANGHAI),
        "assigned_to": assigned.post_id,
    }
