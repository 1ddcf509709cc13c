"""GET /records/export, as lines of JSON or in the form of a mapping; who is meant comes out of the vault, recorded.

Annotations are evaluated here, not kept as text: FastAPI would not find the local name `Asking`.
"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from contracts.policy.days import SHANGHAI
from services.chassis.access import READER, Caller
from services.chassis.service import App
from services.intake.door import Door
from services.intake.export import as_line, export, hash_of_line
from services.intake.opening import Purpose, Purposed
from services.intake.posting import NDJSON
from services.intake.sheets.exported import as_sheet
from services.intake.sheets.mapping import MappingError, SheetMapping, load_shipped
from services.intake.sheets.table import Form
from services.intake.store.records import Span

_END = datetime(2200, 1, 1, tzinfo=SHANGHAI)


def add_export(router: APIRouter, app: App, door: Door) -> None:
    """The one route."""
    Asking = Annotated[Caller, Depends(app.caller)]  # noqa: N806 - a type

    @router.get("/records/export")
    async def records_export(
        caller: Asking,
        purpose: Purpose,
        since: datetime,
        feed: Annotated[str, Query(max_length=64)] = "",
        until: datetime = _END,
        mapping: Annotated[str, Query(max_length=64)] = "",
        form: Literal["xlsx", "csv"] = "xlsx",
        after: Annotated[str, Query(pattern=r"^([0-9a-f]{32})?$")] = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        note: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        """Role identity-reader, with a purpose: records of a feed since then; `next-after`: where to go on."""
        caller.require(READER)
        how = _mapping(mapping) if mapping else None
        if since.tzinfo is None or until.tzinfo is None:
            raise HTTPException(422, "since and until need their offset, for example 2022-03-05T00:00:00+08:00")
        if not (feed := feed or (how.feed if how else "")) or (how is not None and feed != how.feed):
            raise HTTPException(422, "name the feed; a mapping's own is the one in GET /mappings")
        desk = await door.desk()
        async with app.transaction(caller, purpose) as turn:
            desk = await desk.read(turn.tx)
            asked = Purposed(purpose=purpose, note=note)
            span = Span(feed, since, until, bytes.fromhex(after), limit)
            found = await export(turn.tx, turn.now, caller, asked, desk, span, how.kind if how else "")
        headers = {"next-after": found.after, "left-out": str(found.left_out)}
        if how is None:
            lines = [as_line(desk, record) + b"\n" for record in found.records]
            return Response(b"".join(lines), media_type=NDJSON[0], headers=headers)
        body = as_sheet(
            how, Form(form, sheet=(how.title[0] or how.feed)[:31]), found.records, lambda line: hash_of_line(desk, line)
        )
        headers["content-disposition"] = f'attachment; filename="{mapping}.{form}"'
        return Response(body, media_type=Form(form).media_type, headers=headers)


def _mapping(name: str) -> SheetMapping:
    try:
        return load_shipped(name)
    except MappingError as error:
        raise HTTPException(404, str(error)) from None
