"""What rollup shows: figures, the rows behind them, their past and why it changed, drift, and the board."""

from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import HTMLResponse

from contracts.divisions import Divisions, MalformedCodeError, Tree
from contracts.indicators import BY_CODE, INDICATORS
from services.chassis.access import Caller
from services.chassis.service import App
from services.rollup.pages import Table, children_of, tabled
from services.rollup.rules.past import answered_until
from services.rollup.store import drift, reading

BOARD = (files(__package__) / "board.html").read_text("utf-8")
Code = Annotated[str, Query(min_length=2, max_length=24, description="a division's code")]
Day = date | Literal["all"]
YEARS = range(1900, 2200)
"""In which the door takes instants; beside them arithmetic with hours and zones may overflow."""


def routes(app: App) -> APIRouter:
    """The routes of rollup; all but the board ask for a token, and show the caller's divisions alone."""
    router = APIRouter()
    router.add_api_route("/", lambda: HTMLResponse(BOARD), include_in_schema=False)
    for add in (_figures, _past, _rows, _drift):
        add(router, app)
    return router


def _figures(router: APIRouter, app: App) -> None:
    @router.get("/indicators")
    async def indicators(caller: Annotated[Caller, Depends(app.caller)]) -> list[dict[str, Any]]:
        """Every indicator: what it counts and why. part_of: the figure of which it is a share."""
        named = ("code", "name_en", "name_zh", "why", "source", "part_of")
        return [{name: getattr(one, name) for name in named} | {"fact": one.fact.type} for one in INDICATORS]

    @router.get("/figures")
    async def figures(
        caller: Annotated[Caller, Depends(app.caller)],
        division: Code,
        tree: Tree = Tree.STATUTORY,
        indicator: Annotated[list[str] | None, Query()] = None,
        day: Day = "all",
        children: bool = False,
    ) -> Table:
        """A division's figures and, if asked, those of the divisions below it; a figure of 0 is left out."""
        _allow(caller, division, tree)
        async with app.reading(caller) as turn:
            below = await children_of(turn.tx, division, tree) if children else None
            found = await reading.load_figures(turn.tx, tree, [division, *(below or ())], _known(indicator), _one(day))
        return tabled(turn.now, tree, day, division, below, found)

    @router.get("/figures/as-of")
    async def figures_as_of(
        caller: Annotated[Caller, Depends(app.caller)],
        division: Code,
        at: datetime,
        tree: Tree = Tree.STATUTORY,
        indicator: Annotated[list[str] | None, Query()] = None,
        day: Day = "all",
        children: bool = False,
    ) -> Table:
        """The same as it was known at an instant, to the hour; before the last week to the day of Asia/Shanghai."""
        _allow(caller, division, tree)
        async with app.reading(caller) as turn:
            until = answered_until(_zoned(at), turn.now)
            below = await children_of(turn.tx, division, tree, until) if children else None
            codes = [division, *(below or ())]
            found = await reading.load_figures_as_of(turn.tx, tree, codes, _known(indicator), _one(day), until)
        return tabled(until, tree, day, division, below, found)


def _past(router: APIRouter, app: App) -> None:
    @router.get("/changes")
    async def changes(
        caller: Annotated[Caller, Depends(app.caller)],
        division: Code,
        indicator: str,
        from_at: Annotated[datetime, Query(alias="from")],
        to_at: Annotated[datetime, Query(alias="to")],
        tree: Tree = Tree.STATUTORY,
        day: Day = "all",
        drill: bool = False,
    ) -> dict[str, Any]:
        """Why a figure differs between two instants (as exactly as as-of): sums by reason, and by day and reason."""
        _allow(caller, division, tree)
        _known([indicator])
        span = _zoned(from_at), _zoned(to_at)
        if span[0] > span[1]:
            raise HTTPException(422, "`from` is later than `to`: exchange them")
        async with app.reading(caller) as turn:
            first, last = (answered_until(each, turn.now) for each in span)
            rows = await reading.load_changes(turn.tx, tree, division, indicator, drill, first, last, _one(day))
        reasons: dict[str, int] = {}
        for row in rows:
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["delta"]
        return {
            "from": first,
            "to": last,
            "total": sum(reasons.values()),
            "reasons": reasons,
            "days": [*map(dict, rows)],
        }


def _rows(router: APIRouter, app: App) -> None:
    @router.get("/rows")
    async def rows(
        caller: Annotated[Caller, Depends(app.caller)],
        division: Code,
        indicator: str,
        tree: Tree = Tree.STATUTORY,
        day: Day = "all",
        drill: bool = False,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        """What a figure counts, a row each, in the division of that moment; moved_to: where the subject is now."""
        _allow(caller, division, tree)
        _known([indicator])
        async with app.reading(caller) as turn:
            found = await reading.load_figures(turn.tx, tree, [division], [indicator], _one(day))
            which = BY_CODE[indicator], drill, _one(day), limit, offset
            shown = await reading.load_rows(turn.tx, tree, division, *which)
        figure = sum(row["value"] for row in found if row["drill"] is drill)
        more = offset + len(shown) if shown and offset + len(shown) < figure else None
        return {"figure": figure, "rows": [*map(dict, shown)], "next_offset": more}


def _drift(router: APIRouter, app: App) -> None:
    @router.get("/drift")
    async def drifting(
        caller: Annotated[Caller, Depends(app.caller)],
        now: bool = False,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> dict[str, Any]:
        """Figures that differ from their rows, as the last check found them; now=true compares all at once (dear)."""
        async with app.reading(caller) as turn:
            found = await (drift.compare(turn.tx, list(BY_CODE)) if now else drift.load_drifts(turn.tx))
            checked_at = turn.now if now else await drift.oldest_check(turn.tx, list(BY_CODE))
        shown = [one._asdict() for one in found if caller.may_see(one.division_code)]
        return {"drift": len(shown), "checked_at": checked_at, "figures": shown[:limit]}


def _allow(caller: Caller, division: str, tree: Tree) -> None:
    """A clear answer to who asks beyond the own division: there, PostgreSQL shows no figure at all."""
    try:
        Divisions.load().parent(division, tree)
    except MalformedCodeError as error:
        raise HTTPException(422, str(error)) from None
    caller.require_division(division)


def _known(indicators: list[str] | None) -> list[str] | None:
    unknown = [code for code in indicators or () if code not in BY_CODE]
    if unknown:
        raise HTTPException(422, f"no indicator {', '.join(unknown)}: GET /indicators lists them")
    return indicators


def _one(day: Day) -> date | None:
    return None if day == "all" else day


def _zoned(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise HTTPException(422, f"{at.isoformat()} has no zone: write it with its offset, for example +08:00")
    if at.year not in YEARS:
        raise HTTPException(422, f"the year {at.year} is far off: write one from {YEARS[0]} to {YEARS[-1]}")
    return at.astimezone(UTC)
