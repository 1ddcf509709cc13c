"""What a grid worker is served: the page, the list, the roster of the own grid, and who answers for what."""

import base64
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from msgspec import json

from contracts.policy.days import SHANGHAI
from services.chassis.access import LEADER, SENDER, WORKER, Caller
from services.chassis.errors import NotAllowed
from services.chassis.service import App
from services.intake.door import Door
from services.intake.doubting import confirmed_in
from services.intake.grid_names import names_of_grid
from services.intake.opening import Purpose
from services.intake.problems import language_of
from services.intake.rules.assigned import holder_at
from services.intake.rules.recognise import Said, unpack
from services.intake.rules.roster import Assigned, Handed
from services.intake.store import corrections, roster
from services.intake.today import today

PAGE = files("services.intake").joinpath("worker")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def add_worker(router: APIRouter, app: App, door: Door) -> None:
    """The routes of a worker."""
    _add_page(router)
    _add_lists(router, app, door)
    _add_answers(router, app, door)


def _add_page(router: APIRouter) -> None:
    served = {
        each.name: (each.read_bytes(), KINDS[each.name[each.name.rindex(".") :]])
        for each in PAGE.iterdir()
        if each.name[each.name.rindex(".") :] in KINDS
    }

    @router.get("/worker", include_in_schema=False)
    async def worker() -> Response:
        """To the page's own address, under which its service worker may act."""
        return Response(status_code=308, headers={"location": "worker/"})

    @router.get("/worker/{name:path}", include_in_schema=False)
    async def page(name: str) -> Response:
        """The page and its parts, as they lie in `worker/`; nothing in them is anybody's."""
        if (name or "index.html") not in served:
            raise HTTPException(404, "no such part of the worker's page")
        body, kind = served[name or "index.html"]
        return Response(body, media_type=kind, headers=HEADERS)


def _add_lists(router: APIRouter, app: App, door: Door) -> None:
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/today", response_model=dict[str, Any])
    async def what_is_due(caller: Asking, division: str | None = None) -> Response:
        """Role worker or leader: what the caller owes now, in order of time left; ids alone."""
        async with app.reading(caller, Purpose.CANVASSING) as turn:
            owed = await today(turn.tx, turn.now, caller, division)
        return Response(json.encode(owed), media_type="application/json", headers={"cache-control": "no-store"})

    @router.get("/roster")
    async def own_roster(response: Response, caller: Asking, division: str | None = None) -> dict[str, Any]:
        """Role worker or leader: the caller's own households with names; kept in each person's access record."""
        response.headers["cache-control"] = "no-store"
        desk = await door.desk()
        async with app.transaction(caller, Purpose.CANVASSING) as turn:
            return await names_of_grid(turn.tx, turn.now, caller, division, (await desk.read(turn.tx)).vault)

    @router.get("/store-key")
    async def key_of_the_phones_store(caller: Asking) -> dict[str, str]:
        """Role worker or leader: the key under which the caller's phone seals what it keeps, always the same."""
        if not caller.roles & {WORKER, LEADER}:
            raise NotAllowed(f"this needs the role {WORKER!r} or {LEADER!r}: ask for a token that has it")
        key = (await door.desk()).pepper.store_key(caller.name)
        return {"key": base64.b64encode(key).decode()}


def _add_answers(router: APIRouter, app: App, door: Door) -> None:
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/records/{feed}/{source_id}/changes")
    async def changes_of_a_record(feed: str, source_id: str, caller: Asking) -> list[dict[str, Any]]:
        """Role worker, leader or sender, of its division: each correction: who, when, from what, to what, why."""
        if not caller.roles & {WORKER, LEADER, SENDER}:
            raise NotAllowed(f"this needs the role {WORKER!r}, {LEADER!r} or {SENDER!r}")
        record_id = await door.record_id(feed, source_id)
        async with app.reading(caller, Purpose.CORRECTION) as turn:
            found = await corrections.load(turn.tx, record_id) if record_id else []
        return [_change(each) for each in found]

    @router.get("/doubts")
    async def what_workers_confirmed(
        request: Request, caller: Asking, division: str, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> list[dict[str, Any]]:
        """Role leader: entries of a division that cannot well be, asked of the worker, who says that they are so."""
        caller.require(LEADER)
        caller.require_division(division)
        language = language_of(request.headers.get("accept-language", ""))
        async with app.reading(caller) as turn:
            return await confirmed_in(turn.tx, division, language, limit)

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


def _change(kept: dict[str, Any]) -> dict[str, Any]:
    before, after = unpack(kept.pop("before")), unpack(kept.pop("after"))
    at = kept.pop("changed_at").astimezone(SHANGHAI)
    return {**kept, "changed_at": at, "from": _said(before), "to": _said(after)}


def _said(said: Said) -> dict[str, Any]:
    facts = [{"type": each.fact.type, **each.fact.model_dump(mode="json")} for each in said.sayings]
    return {"division_code": said.division, "drill": said.drill, "facts": facts}


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
