"""Leads for the office and the worker: the list, and a step as one call.

A step becomes a record of the caller's at the same door, so it is known again, corrected and undone as every other is:
`POST /records` with its feed and source_id and `withdrawn`, which the answer tells.
"""

import uuid
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from contracts.divisions import Level
from contracts.events.leads import LeadOutcome
from contracts.leads import LeadState
from services.chassis.access import LEADER, OPERATOR, WORKER, Caller
from services.chassis.errors import NotAllowed
from services.chassis.service import App
from services.intake.door import Door
from services.intake.leads import LEAD_STEPS
from services.intake.listing import listed, shown
from services.intake.problems import language_of
from services.intake.sender import Sender
from services.intake.verdicts import REJECTED

FEED = "lead-desk"
_WHO = frozenset({WORKER, LEADER, OPERATOR})
MOST = 1000


class StepTold(BaseModel):
    """source_id: the caller's own, by which a late retry is known again. done_at: where it is left out, now.

    The record bears the source_id behind the caller's name, for another caller may count in the same way.
    """

    model_config = ConfigDict(extra="forbid")

    done_at: str | None = None
    source_id: str | None = Field(default=None, max_length=128)


class PassedOnTold(StepTold):
    to_division_code: str
    reason: str | None = None


class ClosedTold(StepTold):
    outcome: LeadOutcome
    reason: str


def _of_caller(caller: Caller, source_id: str) -> str:
    plain = f"{caller.name}:{source_id}"
    return plain if len(plain) <= 128 else blake2b(plain.encode(), digest_size=32).hexdigest()


def add_leads(router: APIRouter, app: App, door: Door) -> None:
    """The routes of leads."""
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/leads")
    async def leads(
        caller: Asking,
        division: str,
        state: LeadState | None = None,
        after: int = 0,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 200,
    ) -> list[dict[str, Any]]:
        """Role worker, leader or operator: the leads of a division and of those below it, the latest first; ids alone.

        state is what the lead is in that division's eyes: passed_on once another has it.
        """
        _may(caller)
        caller.require_division(division)
        if len(division) < Level.COUNTY:
            raise NotAllowed("more than a county at once: the figures count them, ?division= with a county lists them")
        async with app.reading(caller) as turn:
            found = await listed(turn.tx, [division], state)
        return [shown(each) for each in found[after : after + limit]]

    async def step(kind: str, lead_id: str, told: StepTold, request: Request, caller: Caller) -> Response:
        _may(caller)
        source_id = _of_caller(caller, told.source_id or uuid.uuid4().hex)
        known = await door.record_id(FEED, source_id)
        async with app.reading(caller) as turn:
            found = await listed(turn.tx, caller.divisions, lead_id=lead_id)
        if not found:
            raise HTTPException(404, "no lead of this id in your division: GET /leads lists them")
        # A retry is made where and when the step was: passing it on has changed the one, waiting the other.
        before = next((each for each in found[0].done if each.record_id == known), None)
        record = {
            "feed": FEED,
            "source_id": source_id,
            "kind": kind,
            "division_code": (before or found[0].tenure).division_code,
            "lead": {"id": lead_id},
            "done_by": caller.name,
            "drill": found[0].lead.drill,
            **told.model_dump(mode="json", exclude={"source_id"}, exclude_none=True),
        }
        record.setdefault("done_at", (before.done_at if before else turn.now).isoformat())
        sender = Sender(caller.name, caller.divisions, FEED, frozenset(LEAD_STEPS), None, caller.name)
        verdict = await door.admit_one(to_json(record), sender)
        language = language_of(request.headers.get("accept-language", ""))
        status = 422 if verdict.word == REJECTED else 200
        return Response(to_json(verdict.told(language)), status, media_type="application/json")

    @router.post("/leads/{lead_id}/landed")
    async def landed(lead_id: str, told: StepTold, request: Request, caller: Asking) -> Response:
        """Role worker, leader or operator of the division that holds the lead: the person was found."""
        return await step("lead-landed", lead_id, told, request, caller)

    @router.post("/leads/{lead_id}/not-found")
    async def not_found(lead_id: str, told: StepTold, request: Request, caller: Asking) -> Response:
        """The same: sought, and not there."""
        return await step("lead-not-found", lead_id, told, request, caller)

    @router.post("/leads/{lead_id}/passed-on")
    async def passed_on(lead_id: str, told: PassedOnTold, request: Request, caller: Asking) -> Response:
        """The same: sent down, or on to where the person is said to be."""
        return await step("lead-passed-on", lead_id, told, request, caller)

    @router.post("/leads/{lead_id}/closed")
    async def closed(lead_id: str, told: ClosedTold, request: Request, caller: Asking) -> Response:
        """The same: nothing more is to be done, with the outcome and a reason that names nobody."""
        return await step("lead-closed", lead_id, told, request, caller)


def _may(caller: Caller) -> None:
    if not caller.roles & _WHO:
        raise NotAllowed(f"this needs one of the roles {', '.join(sorted(_WHO))}: ask for a token that has it")
