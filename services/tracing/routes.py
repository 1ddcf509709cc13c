"""What tracing shows: a person's state and the facts under it, all states, open proposals, the policy in force."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import StreamingResponse

from contracts import policy
from contracts.events.contacts import Category
from contracts.events.quarantine import QuarantineProposed
from contracts.exercise import set_apart_id
from services.chassis.access import OPERATOR, Caller
from services.chassis.merges import load_merged
from services.chassis.service import App
from services.tracing.store.published import Published, load_open, load_published
from services.tracing.store.reading import load_divisions, load_facts
from services.tracing.store.states import stream_states
from services.tracing.store.surroundings import load_adoptions

"""A state names other persons by their ids (the link of a contact), so it is not for residents or the board."""


def routes(app: App) -> APIRouter:
    """The routes of tracing; each shows the caller's division and below, no more."""
    router = APIRouter()
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/persons/{person_id}")
    async def person(person_id: str, caller: Asking) -> dict[str, Any]:
        """What is stated of a person, and why: every fact that names him or her. No name is held here.

        An id that turned out to be another person's leads to the id that was kept; `ids` has all of them. What an
        exercise says of the person is marked `drill`.
        """
        caller.require(OPERATOR)
        async with app.reading(caller) as turn:
            merged = await load_merged(turn.tx, [person_id])
            ids, kept = merged.all_of(person_id), merged.kept(person_id)
            divisions = await load_divisions(turn.tx, [kept, person_id, set_apart_id(person_id)])
            if not divisions:
                raise HTTPException(404, f"no person {person_id!r} in {caller.division or 'any division'}: ask intake")
            known_as = kept if kept in divisions else person_id  # who was kept may live outside the caller's division
            stated = await load_published(turn.tx, [known_as, set_apart_id(person_id)])
            facts = await load_facts(turn.tx, [*ids, set_apart_id(person_id)])
        standing = [_shown(row) for rows in stated.values() for row in rows.values() if not row.withdrawn]
        where = divisions[known_as if known_as in divisions else set_apart_id(person_id)]
        who = {"person_id": known_as, "ids": ids, "division_code": where}
        return {**who, "statements": standing, "facts": facts}

    @router.get("/states", response_class=StreamingResponse)
    async def states(caller: Asking, drill: bool = False) -> StreamingResponse:
        """Everybody with a state, one JSON object a line, in order of person_id, all as of one instant.

        drill: those of an exercise.
        """
        caller.require(OPERATOR)

        async def lines() -> AsyncIterator[str]:
            async with app.reading(caller) as turn:
                async for state in stream_states(turn.tx, drill=drill):
                    yield json.dumps(state) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @router.get("/proposals")
    async def proposals(
        caller: Asking, division: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """Proposals that wait for a person with the post to decide, in a division and below it."""
        caller.require(OPERATOR)
        asked = division or caller.division
        caller.require_division(asked)
        async with app.reading(caller) as turn:
            return [_shown(row) for row in await load_open(turn.tx, QuarantineProposed.type, asked, limit)]

    @router.get("/policy/{division}")
    async def policy_in_force(division: str, caller: Asking) -> dict[str, Any]:
        """The edition in force now, and each value that holds in the division or one above it, with its source."""
        if not caller.division.startswith(division):
            caller.require_division(division)
        async with app.reading(caller) as turn:
            now, adoptions = turn.now, await load_adoptions(turn.tx)
        where = (now, division, adoptions)
        kinds = (Category.CLOSE, Category.SECONDARY)
        return {
            "at": now,
            "lookback": policy.lookback(*where),
            "plans": {kind.value: policy.quarantine_plan(kind, *where) for kind in kinds},
            "deadlines": [policy.deadline(key, *where) for key in sorted(policy.deadline_keys())],
        }

    return router


def _shown(row: Published) -> dict[str, Any]:
    return {
        "type": row.type,
        "division_code": row.division_code,
        "stated_at": row.event_time,
        "drill": row.drill,
        **row.fact().model_dump(mode="json"),
    }
