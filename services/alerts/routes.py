"""What alerts shows: inboxes and clocks; and where its posts come in."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contracts.envelope import DivisionCode, Id
from contracts.events.deadlines import Line
from services.alerts.posts import ring_of
from services.alerts.store import posts
from services.alerts.store.clocks import find_clocks
from services.alerts.store.posts import Post
from services.alerts.wording import worded
from services.chassis.access import OPERATOR, Caller
from services.chassis.bounds import may_be
from services.chassis.sealing import Seals
from services.chassis.service import App

LARGEST_POSTS = 16 * 1024 * 1024


class PostGiven(BaseModel):
    """One line of POST /posts; holder and channel are encrypted before they are stored."""

    model_config = ConfigDict(extra="forbid")
    post_id: Id
    line: Line
    division_code: DivisionCode
    unit: Annotated[Id | None, BeforeValidator(lambda given: given or None)] = None
    title: str = Field(min_length=1, max_length=100)
    holder: str | None = Field(default=None, max_length=100)
    channel: str | None = Field(default=None, max_length=200)


def routes(app: App) -> APIRouter:
    """The routes of alerts."""
    router = APIRouter()
    ring = ring_of(app.settings)
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.post("/posts")
    async def give_posts(request: Request, caller: Asking) -> dict[str, int]:
        """Load posts as NDJSON: all of them, or none and which line is wrong."""
        caller.require(OPERATOR)
        may_be(request, LARGEST_POSTS)
        given = [
            _read(number, line) for number, line in enumerate((await request.body()).splitlines(), 1) if line.strip()
        ]
        twice = [post_id for post_id, times in Counter(post.post_id for post in given).items() if times > 1]
        if twice:
            raise HTTPException(422, f"post {twice[0]} stands there twice; leave one of them and send the file again")
        unseen = next((post for post in given if not caller.may_see(post.division_code)), None)
        if unseen:
            raise HTTPException(403, f"post {unseen.post_id} lies in {unseen.division_code}, outside your division")
        async with app.transaction(caller) as turn:
            seals = await ring.hold(turn.tx) if ring else None
            await posts.save_posts(turn.tx, [_sealed(post, seals) for post in given])
        return {"posts": len(given)}

    @router.get("/inbox")
    async def inbox(
        caller: Asking, post: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 50
    ) -> list[dict[str, Any]]:
        """The newest messages of a post, or of all posts in the caller's division, in zh and en."""
        async with app.reading(caller) as turn:
            found = await posts.load_inbox(turn.tx, post, limit)
        return [{**message, **worded(message["items"])} for message in found]

    @router.get("/clocks")
    async def open_clocks(
        caller: Asking, verdict: str = "running", limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> list[dict[str, Any]]:
        """Clocks by verdict, those due first; each names the edition that judged it and how firmly it holds."""
        async with app.reading(caller) as turn:
            return await find_clocks(turn.tx, verdict, limit)

    return router


def _read(number: int, line: bytes) -> PostGiven:
    try:
        return PostGiven.model_validate_json(line)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the line"
        raise HTTPException(422, f"line {number}: {field}: {first['msg']}; mend it and send the file again") from None


def _sealed(given: PostGiven, seals: Seals | None) -> Post:
    holder, channel = (_seal(seals, given.post_id, text) for text in (given.holder, given.channel))
    return Post(given.post_id, given.line.value, given.division_code, given.unit, given.title, holder, channel)


def _seal(seals: Seals | None, post_id: str, text: str | None) -> bytes | None:
    if text is None:
        return None
    if seals is None:
        raise HTTPException(422, "names and channels are kept encrypted: set GRIDWARD_VAULT_KEY, or leave them out")
    return seals.seal(text.encode(), post_id)
