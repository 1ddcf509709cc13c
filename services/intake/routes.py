"""The routes of intake; which role each needs stands beside it.

Annotations are evaluated here, not kept as text: FastAPI would not find the local name `Asking`.
"""

from datetime import datetime
from functools import partial
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic_core import to_json

from contracts.divisions import Divisions
from contracts.policy.days import SHANGHAI
from services.chassis.access import OPERATOR, Caller
from services.chassis.bounds import may_be
from services.chassis.service import App
from services.intake import keys
from services.intake.bookkeeping import to_be_mended
from services.intake.door import Door, door_of
from services.intake.export_routes import add_export
from services.intake.grids import NoGridFile, take_grids
from services.intake.health.routes import add_health
from services.intake.lead_routes import add_leads
from services.intake.lookups import Lookup, look_up
from services.intake.merge_routes import merge_routes
from services.intake.people_routes import people_routes
from services.intake.posting import post_records
from services.intake.problems import language_of
from services.intake.records import record_schema
from services.intake.review_routes import review_routes
from services.intake.room import ComeBackLater
from services.intake.senders import sender_of
from services.intake.sheet_routes import add_sheets
from services.intake.store import books
from services.intake.store import keys as kept_keys
from services.intake.worker_routes import add_worker

PAGES = ("index.html", "find.html")
LARGEST_GRID_FILE = 16 * 1024 * 1024
_BEGINNING = datetime(1900, 1, 1, tzinfo=SHANGHAI)
_END = datetime(2200, 1, 1, tzinfo=SHANGHAI)


def routes(app: App) -> APIRouter:
    """The routes of intake."""
    router, door = APIRouter(), door_of(app)
    _add_pages(router)
    _add_door(router, app, door)
    _add_keys(router, app)
    _add_books(router, app, door)
    router.include_router(people_routes(app, door))
    router.include_router(merge_routes(app, door))
    router.include_router(review_routes(app, door))
    add_health(router, app, partial(sender_of, app))
    add_worker(router, app, door)
    add_leads(router, app, door)
    add_sheets(router, app, door)
    add_export(router, app, door)
    return router


def _add_pages(router: APIRouter) -> None:
    pages = {name: files("services.intake").joinpath(name).read_text(encoding="utf-8") for name in PAGES}

    @router.get("/")
    async def what_is_here() -> Response:
        """What is here, for a person who opened the address in a browser."""
        return Response(pages["index.html"], media_type="text/html")

    @router.get("/find")
    async def find() -> Response:
        """A page to search people and dwellings."""
        return Response(pages["find.html"], media_type="text/html")


def _add_door(router: APIRouter, app: App, door: Door) -> None:
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/records/schema")
    async def schema() -> dict[str, Any]:
        """The form of every kind of record as JSON Schema, to be checked by the sender's own machine."""
        return record_schema()

    @router.post("/records")
    async def records(request: Request) -> Response:
        """An API key, or a token with the role sender: records in, verdicts out."""
        try:
            return await post_records(door, request, await sender_of(app, request))
        except ComeBackLater as later:
            raise HTTPException(429, str(later), {"retry-after": str(later.seconds)}) from None

    @router.post("/grids")
    async def grids(request: Request, caller: Asking) -> list[dict[str, Any]]:
        """Role operator: grids as CSV `code,name`; a verdict for each row."""
        caller.require(OPERATOR)
        may_be(request, LARGEST_GRID_FILE)
        body = await request.body()
        try:
            async with app.transaction(caller) as turn:
                return await take_grids(turn.tx, body, Divisions.load(), caller.may_see)
        except NoGridFile as error:
            raise HTTPException(422, str(error)) from None

    @router.post("/people/lookups")
    async def lookups(asked: Lookup, caller: Asking) -> dict[str, Any]:
        """Role operator: ids of people whose numbers or references the caller knows; kept in their access record."""
        caller.require(OPERATOR)
        desk = await door.desk()
        async with app.transaction(caller, asked.purpose) as turn:
            return await look_up(turn.tx, turn.now, caller, asked, (await desk.read(turn.tx)).vault)


def _add_keys(router: APIRouter, app: App) -> None:
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.post("/keys", status_code=201)
    async def make_key(asked: keys.KeyAsked, caller: Asking) -> dict[str, str]:
        """Role operator: a key for one feed, told this once; sent as the header `X-API-Key`."""
        caller.require(OPERATOR)
        async with app.transaction(caller) as turn:
            return await keys.make_key(turn.tx, turn.now, caller, asked)

    @router.get("/keys")
    async def show_keys(caller: Asking) -> list[dict[str, Any]]:
        """Role operator: the keys of the caller's division, revoked ones too."""
        caller.require(OPERATOR)
        async with app.reading(caller) as turn:
            return await kept_keys.load(turn.tx)

    @router.delete("/keys/{key_id}", status_code=204)
    async def revoke_key(key_id: str, caller: Asking) -> None:
        """Role operator: the key is refused from the next request on."""
        caller.require(OPERATOR)
        async with app.transaction(caller) as turn:
            await keys.revoke(turn.tx, turn.now, caller, key_id)


def _add_books(router: APIRouter, app: App, door: Door) -> None:
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/ledger")
    async def ledger(
        caller: Asking, feed: str | None = None, since: datetime = _BEGINNING, until: datetime = _END
    ) -> list[dict[str, Any]]:
        """Any role of everywhere: what came in by feed and hour, and what became of it."""
        caller.require_division("")  # a feed's records are of many divisions, and are counted together
        if since.tzinfo is None or until.tzinfo is None:
            raise HTTPException(422, "since and until need their offset, for example 2022-03-05T00:00:00+08:00")
        async with app.reading(caller) as turn:
            rows = await books.load_ledger(turn.tx, since, until, feed)
        return [{**row, "hour_at": row["hour_at"].astimezone(SHANGHAI)} for row in rows]

    @router.get("/rejects")
    async def rejects(
        request: Request,
        caller: Asking,
        feed: str | None = None,
        after: int = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> Response:
        """Role operator of everywhere: rejected rows as they came, with the reason; `next-after`: where to go on."""
        caller.require(OPERATOR)
        # A rejected row may name no division, or a wrong one: only who may see all may see it.
        caller.require_division("")
        desk, language = await door.desk(), language_of(request.headers.get("accept-language", ""))
        async with app.reading(caller) as turn:
            desk = await desk.read(turn.tx)
            rows = await books.load_rejects(turn.tx, feed, after, limit)
        lines = [to_json(to_be_mended(desk, row, language)) + b"\n" for row in rows]
        headers = {"next-after": str(rows[-1][0])} if len(rows) == limit else {}
        return Response(b"".join(lines), media_type="application/x-ndjson", headers=headers)
