"""POST /grids: the grids of a jurisdiction from a CSV file `code,name`, and a verdict for each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from contracts.divisions import Divisions
from services.chassis.database import Tx
from services.intake.store import records
from services.intake.verdicts import ACCEPTED, REJECTED


class NoGridFile(ValueError):
    """Not a CSV file in UTF-8 whose first line names the columns code and name."""


async def take_grids(
    tx: Tx, body: bytes, divisions: Divisions, may_record: Callable[[str], bool]
) -> list[dict[str, Any]]:
    """The verdicts in the order of the rows; right rows are taken, wrong ones are not. Raises NoGridFile."""
    verdicts, taken = list[dict[str, Any]](), dict[str, str]()
    for number, row in enumerate(_rows(body), 2):
        code, name = (row.get("code") or "").strip(), (row.get("name") or "").strip()
        wrong = _wrong(divisions, code, name, may_record)
        if wrong is None and code in taken:
            wrong = f"{code} stands twice: remove one"
        verdict = {"line": number, "code": code, "verdict": REJECTED if wrong else ACCEPTED}
        verdicts.append({**verdict, "why": wrong} if wrong else verdict)
        if wrong is None:
            taken[code] = name
    await records.load_grids(tx, taken)
    return verdicts


def _rows(body: bytes) -> csv.DictReader[str]:
    try:
        rows = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        named = set(rows.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        what = type(error).__name__
        raise NoGridFile(f"this is no CSV file in UTF-8 ({what}): save it so and send it again") from None
    if not {"code", "name"} <= named:
        raise NoGridFile("the first line must name the columns code and name")
    return rows


def _wrong(divisions: Divisions, code: str, name: str, may_record: Callable[[str], bool]) -> str | None:
    if "\0" in name:
        return f"{code} has a name with a NUL in it: remove it"
    if not may_record(code):
        return f"{code} lies outside your token's division: send it with the token of that division"
    return divisions.wrong_with_grid(code, name) or None
