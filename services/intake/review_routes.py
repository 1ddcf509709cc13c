"""The routes of the review list: pairs that may be one person, for people to decide; rules only propose.

No identity is in it: whoever decides opens the two by `POST /people/openings`, with a purpose, and is recorded there.
Annotations are evaluated here, not kept as text: FastAPI would not find the local name `Asking`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict

from services.chassis.access import OPERATOR, Caller
from services.chassis.database import Tx
from services.chassis.service import App, Turn
from services.intake.door import Door
from services.intake.merge_routes import (
    UNDO_WITHIN,
    MergeAsked,
    Reason,
    joined,
    last_decision,
    parted,
    say_at_the_door,
)
from services.intake.store import matches, merges
from services.intake.store.matches import Review
from services.intake.store.merges import Decision

SAME, DIFFERENT = "same", "different"


class ReviewDecided(BaseModel):
    """What somebody found who looked at both."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["same", "different"]
    reason: Reason


def review_routes(app: App, door: Door) -> APIRouter:
    """The routes under /people/reviews."""
    router = APIRouter(prefix="/people/reviews")
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("")
    async def reviews(
        caller: Asking, after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[dict[str, Any]]:
        """Role operator: undecided pairs of the division: ids, score and what agrees; after: where to go on."""
        caller.require(OPERATOR)
        async with app.reading(caller) as turn:
            its = await matches.open_reviews(turn.tx, caller.division, after, limit)
        return [{name: value for name, value in each._asdict().items() if name != "decided"} for each in its]

    @router.post("/{review_id}")
    async def decide(review_id: str, asked: ReviewDecided, request: Request, caller: Asking) -> dict[str, Any]:
        """Role operator: one person or two; decided otherwise later, it is corrected, and all of it is kept."""
        caller.require(OPERATOR)
        return await _decide(app, door, request, caller, review_id, asked)

    @router.post("/{review_id}/undo")
    async def undo(review_id: str, request: Request, caller: Asking) -> dict[str, Any]:
        """Role operator: a slip of ten minutes or less, by whoever decided; the pair is asked about again."""
        caller.require(OPERATOR)
        return await _undo(app, door, request, caller, review_id)

    return router


async def _decide(
    app: App, door: Door, request: Request, caller: Caller, review_id: str, asked: ReviewDecided
) -> dict[str, Any]:
    async with app.reading(caller) as turn:
        review = await _review(turn, review_id)
        last = await last_decision(door, turn, f"review-{review_id}")
    merged = last is not None and not last.withdrawn
    if merged is not (asked.decision == SAME):
        merge_id, revision = f"review-{review_id}", last.revision + 1 if last else 1
        if asked.decision == SAME:
            ids = MergeAsked(person_id=review.person_id, other_id=review.other_id, reason=asked.reason)
            record = joined(merge_id, revision, ids, review.division_code, caller, turn.now)
            await say_at_the_door(door, request, caller, record)
        elif merged:
            await say_at_the_door(door, request, caller, parted(merge_id, revision, asked.reason, caller))

    async def keep(tx: Tx) -> None:
        if asked.decision == DIFFERENT and not merged:
            await _keep(door, tx, turn.now, caller, review, asked.reason, two=True)
        await matches.decide(tx, review_id, asked.decision)

    await door.looking(keep)
    return {"review_id": review_id, "decided": asked.decision}


async def _undo(app: App, door: Door, request: Request, caller: Caller, review_id: str) -> dict[str, Any]:
    async with app.reading(caller) as turn:
        review = await _review(turn, review_id)
        last = await _last_of(door, turn, review)
        if last is None or review.decided is None:
            raise HTTPException(409, "nobody has decided yet")
        if last.decided_by != caller.name or turn.now - last.decided_at > UNDO_WITHIN:
            raise HTTPException(409, f"only its maker, within {UNDO_WITHIN}: decide otherwise with a reason")
    if review.decided == SAME:
        record = parted(f"review-{review_id}", last.revision + 1, "undone", caller)
        await say_at_the_door(door, request, caller, record)

    async def keep(tx: Tx) -> None:
        if review.decided == DIFFERENT:
            await _keep(door, tx, turn.now, caller, review, "undone", two=False)
        await matches.decide(tx, review_id, None)

    await door.looking(keep)
    return {"review_id": review_id, "decided": None}


async def _review(turn: Turn, review_id: str) -> Review:
    review = await matches.load_review(turn.tx, review_id)
    if review is None:
        raise HTTPException(404, "no review of this id in your division: GET /people/reviews lists them")
    return review


async def _last_of(door: Door, turn: Turn, review: Review) -> Decision | None:
    """The last decision on this pair, as a merge or as two people."""
    of_merge = await last_decision(door, turn, f"review-{review.review_id}")
    of_pair = await merges.last_decision(turn.tx, review.review_id)
    return max((each for each in (of_merge, of_pair) if each), key=lambda each: each.decided_at, default=None)


async def _keep(door: Door, tx: Tx, now: datetime, caller: Caller, review: Review, reason: str, *, two: bool) -> None:
    """A decision that says nothing to the other services; two: they are two people, else: undecided again."""
    vault = (await (await door.desk()).held(tx)).vault
    before, statement_id = await merges.last_decision(tx, review.review_id), f"review.{review.review_id}"
    decision = Decision(
        statement_id, before.revision + 1 if before else 1, review.review_id, review.person_id, review.other_id,
        review.division_code, two, now, caller.name, vault.seal(reason.encode(), statement_id),
    )  # fmt: skip
    await merges.keep_decisions(tx, [decision])
