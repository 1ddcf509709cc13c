"""The routes of the vault: who may open it, what for, and who has looked.

A resident's token has the role `resident` and the resident's own person_id as its name: it shows that person alone.
Annotations are evaluated here, not kept as text: FastAPI would not find the local name `Asking`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query

from services.chassis.access import OPERATOR, READER, Caller
from services.chassis.database import Tx
from services.chassis.errors import NotAllowed
from services.chassis.service import App
from services.intake.door import Door
from services.intake.opening import (
    HELD,
    OVERSIGHT,
    OWN,
    Opening,
    is_self,
    open_people,
    own_look,
    own_view,
    require_self,
)
from services.intake.searching import Search, search
from services.intake.store import accesses, people


def people_routes(app: App, door: Door) -> APIRouter:
    """The routes under /people."""
    router = APIRouter(prefix="/people")
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/fields")
    async def fields() -> dict[str, Any]:
        """Every field that the vault may hold, and the rule that needs it."""
        return dict(HELD)

    @router.post("/openings")
    async def openings(asked: Opening, caller: Asking) -> dict[str, Any]:
        """Role identity-reader: names, numbers, telephones, addresses; recorded, the refused attempt too."""
        desk = await door.desk()
        async with app.transaction(caller, asked.purpose) as turn:
            vault = (await desk.read(turn.tx)).vault
            answer = await open_people(turn.tx, turn.now, caller, asked, vault)
        await door.record_refused(asked.look(caller, "opening"), answer["not_shown"])
        caller.require(READER)
        return answer

    @router.post("/searches")
    async def searches(asked: Search, caller: Asking) -> dict[str, Any]:
        """Role identity-reader: by name, initials, last four of a number, case number, dwelling; recorded."""
        caller.require(READER)
        desk = await door.desk()
        async with app.transaction(caller, asked.purpose) as turn:
            return await search(turn.tx, turn.now, caller, asked, (await desk.read(turn.tx)).vault)

    @router.get("/{person_id}/record")
    async def own_record(person_id: str, caller: Asking) -> dict[str, Any]:
        """Role resident, of oneself: what is held, and why."""
        desk = await door.desk()
        async with app.transaction(caller, OWN) as turn:
            vault = (await desk.read(turn.tx)).vault
            answer = await own_view(turn.tx, turn.now, caller, person_id, vault)
        await door.record_refused(own_look(caller), [] if is_self(caller, person_id) else [person_id])
        require_self(caller, person_id)
        if answer is None:
            raise HTTPException(404, "nothing is held of you")
        return answer

    @router.get("/{person_id}/accesses")
    async def who_looked(
        person_id: str,
        caller: Asking,
        before: int | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """Role resident, of oneself; role operator, of whom or what lies in the division: who looked, newest first."""
        async with app.reading(caller, OVERSIGHT) as turn:
            if OPERATOR in caller.roles:
                await _require_own_division(turn.tx, person_id)
            else:
                require_self(caller, person_id)
            return await accesses.load(turn.tx, person_id, before, limit)

    return router


async def _require_own_division(tx: Tx, owner: str) -> None:
    if not (await people.load_persons(tx, [owner]) or await people.load_dwellings(tx, [owner])):
        raise NotAllowed("nobody of this id lives in your division")
