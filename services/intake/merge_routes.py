"""The routes of merges: people say that two ids are one person, and that they are not after all.

A merge made here is a record like any other, of the feed `people-desk`: recognised, in the ledger, said as an event.
Annotations are evaluated here, not kept as text: FastAPI would not find the local name `Asking`.
"""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from services.chassis.access import OPERATOR, Caller
from services.chassis.service import App, Turn
from services.intake.door import Door
from services.intake.opening import Purpose
from services.intake.problems import language_of
from services.intake.sender import Sender
from services.intake.store import merges, people
from services.intake.store.merges import Decision
from services.intake.vault import Vault
from services.intake.verdicts import ACCEPTED

DESK = "people-desk"
UNDO_WITHIN = timedelta(minutes=10)
Reason = Annotated[str, Field(min_length=2, max_length=500)]


class MergeAsked(BaseModel):
    """person_id is kept; other_id turned out to be the same person."""

    model_config = ConfigDict(extra="forbid")

    person_id: Annotated[str, Field(min_length=1, max_length=64)]
    other_id: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Reason


class Parting(BaseModel):
    """Why the two ids are two people after all."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


def merge_routes(app: App, door: Door) -> APIRouter:
    """The routes under /people/merges."""
    router = APIRouter(prefix="/people/merges")
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.post("", status_code=201)
    async def merge(asked: MergeAsked, request: Request, caller: Asking) -> dict[str, Any]:
        """Role operator: two ids are one person from now on, in every service; may be undone and taken back."""
        caller.require(OPERATOR)
        async with app.reading(caller, Purpose.CORRECTION) as turn:
            rows = await people.load_persons(turn.tx, [asked.person_id, asked.other_id])
        if len(rows) < len({asked.person_id, asked.other_id}):
            raise HTTPException(404, "one of the two is nobody in your division: look the ids up first")
        merge_id = f"merge-{secrets.token_hex(8)}"
        division = rows[asked.person_id].division_code
        return await say_at_the_door(door, request, caller, joined(merge_id, 1, asked, division, caller, turn.now))

    @router.get("")
    async def history(person_id: Annotated[list[str], Query(max_length=50)], caller: Asking) -> list[dict[str, Any]]:
        """Role operator: every decision on these ids, in order: who, when, which, why; undone ones too."""
        caller.require(OPERATOR)
        desk = await door.desk()
        async with app.reading(caller) as turn:
            vault = (await desk.read(turn.tx)).vault
            made = await merges.decisions_on(turn.tx, person_id)
        return [shown(vault, each) for each in made]

    @router.post("/{merge_id}/undo")
    async def undo(merge_id: str, request: Request, caller: Asking) -> dict[str, Any]:
        """Role operator: a slip of ten minutes or less, by whoever made it; no reason asked."""
        caller.require(OPERATOR)
        async with app.reading(caller) as turn:
            last = await _standing(door, turn, merge_id)
            if last.decided_by != caller.name or turn.now - last.decided_at > UNDO_WITHIN:
                raise HTTPException(409, f"only its maker, within {UNDO_WITHIN}: part the two with a reason instead")
        return await say_at_the_door(door, request, caller, parted(merge_id, last.revision + 1, "undone", caller))

    @router.post("/{merge_id}/part")
    async def part(merge_id: str, asked: Parting, request: Request, caller: Asking) -> dict[str, Any]:
        """Role operator: they are two people after all; at any time. Each has again what was said of that one."""
        caller.require(OPERATOR)
        async with app.reading(caller) as turn:
            last = await _standing(door, turn, merge_id)
        return await say_at_the_door(door, request, caller, parted(merge_id, last.revision + 1, asked.reason, caller))

    return router


async def _standing(door: Door, turn: Turn, merge_id: str) -> Decision:
    """The merge as it stands. Raises HTTPException where there is none here, or it was taken back."""
    last = await last_decision(door, turn, merge_id)
    if last is None:
        raise HTTPException(404, "no merge of this id was made here: one that a feed sent is withdrawn by that feed")
    if last.withdrawn:
        raise HTTPException(409, f"{last.decided_by} took it back at {last.decided_at.isoformat()} already")
    return last


async def last_decision(door: Door, turn: Turn, merge_id: str) -> Decision | None:
    """The last decision under an id that was given here."""
    record_id = await door.record_id(DESK, merge_id)
    return await merges.last_decision(turn.tx, record_id) if record_id else None


def joined(
    merge_id: str, revision: int, asked: MergeAsked, division: str, caller: Caller, now: datetime
) -> dict[str, Any]:
    """The record of a merge."""
    return {
        "feed": DESK,
        "source_id": merge_id,
        "revision": revision,
        "kind": "same-person",
        "division_code": division,
        "kept": {"person_id": asked.person_id},
        "other": {"person_id": asked.other_id},
        "decided_by": caller.name,
        "decided_at": now.isoformat(),
        "reason": asked.reason,
    }


def parted(merge_id: str, revision: int, reason: str, caller: Caller) -> dict[str, Any]:
    """The record of one taken back."""
    its = {"feed": DESK, "source_id": merge_id, "revision": revision, "kind": "same-person", "withdrawn": True}
    return {**its, "decided_by": caller.name, "reason": reason}


async def say_at_the_door(door: Door, request: Request, caller: Caller, record: dict[str, Any]) -> dict[str, Any]:
    """Sends the record through the door. Raises HTTPException with what is wrong, in the caller's language.

    The caller is an operator, as its routes demand; the door looks whether both people are the caller's.
    """
    sender = Sender(caller.name, caller.divisions, DESK, frozenset({"same-person"}))
    verdict = await door.admit_one(to_json(record), sender)
    if verdict.word != ACCEPTED:
        told = verdict.told(language_of(request.headers.get("accept-language", "")))
        raise HTTPException(422, told.get("errors", told))
    return {"merge_id": record["source_id"], "merged": not record.get("withdrawn", False)}


def shown(vault: Vault, decision: Decision) -> dict[str, Any]:
    """A decision in the clear."""
    before, after = ("one person", "two people") if decision.withdrawn else ("two people", "one person")
    if decision.statement_id.startswith("review."):
        before, after = ("undecided", "two people") if decision.withdrawn else ("two people", "undecided")
    return {
        "person_id": decision.person_id,
        "other_id": decision.other_id,
        "from": before,
        "to": after,
        "decided_at": decision.decided_at,
        "decided_by": decision.decided_by,
        "reason": vault.open(decision.sealed, decision.statement_id).decode(),
    }
