"""The routes of spreadsheets: mappings and their templates, a file by a mapping, and a page to drop it on.

Annotations are evaluated here, not kept as text: FastAPI would not find the local names.
"""

from contextlib import ExitStack
from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from services.chassis.bounds import may_be
from services.chassis.service import App
from services.intake.answering import Streamed
from services.intake.door import Door
from services.intake.posting import NDJSON
from services.intake.problems import language_of
from services.intake.room import ComeBackLater
from services.intake.senders import sender_of
from services.intake.sheets.mapping import MappingError, SheetMapping, load_shipped, shipped
from services.intake.sheets.table import LARGEST_FILE, SheetRefused
from services.intake.sheets.template import template
from services.intake.taking import opened, take

_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def add_sheets(router: APIRouter, app: App, door: Door) -> None:
    """GET /mappings, their templates, POST /sheets, and the page."""
    _add_mappings(router)
    page = files("services.intake").joinpath("sheets.html").read_text(encoding="utf-8")

    @router.get("/sheets")
    async def sheets_page() -> Response:
        """A page for an office: choose the form, drop the file, take back what is to be mended."""
        return Response(page, media_type="text/html")

    @router.post("/sheets")
    async def sheets(
        request: Request,
        mapping: Annotated[str, Query(max_length=64)],
        file: Annotated[str, Query(max_length=300)] = "sheet",
        year: Annotated[int | None, Query(ge=1900, le=2199)] = None,
        division: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        """An API key, or a token with the role sender: an xlsx or CSV file as the body; a verdict for each row."""
        sender = await sender_of(app, request)
        how = _mapping(mapping).given(year=year, division=division)
        language = language_of(request.headers.get("accept-language", ""))
        try:
            with ExitStack() as room:
                room.enter_context(door.room.sheet(sender))
                taken = await opened(await _body(request, door), how, file)
                return Streamed(take(door, taken, sender, language), room.pop_all(), NDJSON[0])
        except ComeBackLater as later:
            raise HTTPException(429, str(later), {"retry-after": str(later.seconds)}) from None
        except SheetRefused as refused:
            raise HTTPException(422, refused.told(language)) from None


def _add_mappings(router: APIRouter) -> None:
    @router.get("/mappings")
    async def mappings() -> list[dict[str, Any]]:
        """The forms of sheets that are taken, with their titles, columns and kinds."""
        return [_shown(name, load_shipped(name)) for name in shipped()]

    @router.get("/mappings/{name}/template.{suffix}")
    async def mapping_template(name: str, suffix: Literal["xlsx", "csv"]) -> Response:
        """An empty sheet of this form, with lists to choose from and an example."""
        body = template(_mapping(name), suffix)
        headers = {"content-disposition": f'attachment; filename="{name}.{suffix}"'}
        return Response(body, media_type=_MEDIA[suffix], headers=headers)


def _shown(name: str, mapping: SheetMapping) -> dict[str, Any]:
    return {
        "name": name,
        "title": {"zh": mapping.title[0], "en": mapping.title[1]},
        "feed": mapping.feed,
        "kind": mapping.kind,
        "columns": {field: names for field, names in mapping.columns.items()},
        "optional": mapping.optional,
    }


def _mapping(name: str) -> SheetMapping:
    try:
        return load_shipped(name)
    except MappingError as error:
        raise HTTPException(404, str(error)) from None


async def _body(request: Request, door: Door) -> bytes:
    """The whole file. Raises SheetRefused as soon as it is too large, ComeBackLater when there is no room for it."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_FILE:
        raise SheetRefused("file_large", limit=LARGEST_FILE)
    may_be(request, 2 * LARGEST_FILE)  # the limit itself is told in a sheet's own words
    pieces, size = list[bytes](), 0
    with door.room.holding() as hold:
        async for piece in request.stream():
            hold(len(piece))
            size += len(piece)
            if size > LARGEST_FILE:
                raise SheetRefused("file_large", limit=LARGEST_FILE)
            pieces.append(piece)
        return b"".join(pieces)
