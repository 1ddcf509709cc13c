"""A spreadsheet through the door: its rows to records, a verdict for each row as it is known, rejected rows as a file.

The answer is lines of JSON: first what of the file is not sent, then `{"row": 7, "verdict": …}` in batches, last
`{"summary": …}` with the rejected rows' file. Without that last line the file was not taken whole: send it again.
"""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import structlog
from pydantic_core import to_json

from services.chassis.database import DATABASE_ERRORS
from services.chassis.errors import GridwardError
from services.intake.door import BATCH, Door
from services.intake.posting import BROKEN_OFF
from services.intake.problems import Language
from services.intake.reading import Reading, read
from services.intake.sender import Sender
from services.intake.sheets.files import read_file
from services.intake.sheets.judged import RowVerdict, judged
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.returned import rejected_file
from services.intake.sheets.rows import SheetRead, read_sheet
from services.intake.sheets.table import SheetRefused, is_blank, shown
from services.intake.sheets.units import Unit
from services.intake.verdicts import REJECTED

log = structlog.get_logger()

WORDS = ("accepted", "duplicate", "rejected")


class Taken(NamedTuple):
    """A file on its way through the door."""

    read: SheetRead
    mapping: SheetMapping
    name: str


async def opened(body: bytes, mapping: SheetMapping, name: str) -> Taken:
    """The file taken to pieces, beside the event loop. Raises SheetRefused."""
    sheet = await asyncio.to_thread(lambda: read_sheet(read_file(body), mapping))
    if not sheet.rows:
        raise SheetRefused("file_no_rows")
    return Taken(sheet, mapping, PurePath(name.replace("\\", "/")).name[:120] or "sheet")


async def take(door: Door, taken: Taken, sender: Sender, language: Language) -> AsyncIterator[bytes]:
    """The lines of the answer; each batch of rows is committed before its verdicts are told."""
    yield _line(not_sent(taken.read))
    counts, reasons = Counter[str](), dict[int, str]()
    try:
        for units in _batches(taken.read.units):
            verdicts = await _admitted(door, units, taken, sender, language)
            counts.update(verdict.word for verdict in verdicts)
            reasons |= {verdict.at: verdict.reason for verdict in verdicts if verdict.word == REJECTED}
            yield b"".join([_line(_told(verdict)) for verdict in verdicts])
    except (GridwardError, *DATABASE_ERRORS) as error:
        log.warning("a sheet was broken off", error=type(error).__name__)
        yield _line({"error": BROKEN_OFF})
        return
    summary = {"rows": taken.read.rows, **{word: counts[word] for word in WORDS}}
    if counts.total() != taken.read.rows:
        raise AssertionError(f"{counts.total()} verdicts for {taken.read.rows} rows")
    file = await asyncio.to_thread(_returned, taken, reasons) if reasons else None
    yield _line({"summary": summary, "rejected_file": file})


def not_sent(sheet: SheetRead) -> dict[str, Any]:
    """Nothing is dropped silently: columns, sheets and words that no record holds."""
    return {
        "rows": sheet.rows,
        "columns_not_sent": dict(sheet.unsent),
        "sheets_not_read": sheet.other_sheets,
        "unread": [{"row": each.row + 1, "column": each.column, "words": each.words} for each in sheet.unread],
    }


def _line(content: dict[str, Any]) -> bytes:
    return to_json(content) + b"\n"


def _told(verdict: RowVerdict) -> dict[str, Any]:
    told: dict[str, Any] = {"row": verdict.at + 1, "verdict": verdict.word}
    return {**told, "errors": verdict.errors} if verdict.errors else told


def _batches(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    batch, lines = list[Unit](), 0
    for unit in units:
        batch.append(unit)
        lines += len(unit.lines) or len(unit.rows)
        if lines >= BATCH:
            yield batch
            batch, lines = [], 0
    if batch:
        yield batch


async def _admitted(
    door: Door, units: Sequence[Unit], taken: Taken, sender: Sender, language: Language
) -> list[RowVerdict]:
    readings = [reading for unit in units for reading in _readings(unit, taken, sender)]
    answers = iter([verdict.told(language) for verdict in await door.admit_readings(readings)])
    door.room.count(sender, len(readings))
    told = list[RowVerdict]()
    for unit in units:
        own = [next(answers) for _ in range(_size(unit))]
        told += judged(taken.read, unit, own, language)
    return told


def _size(unit: Unit) -> int:
    return len(unit.rows) if unit.problems else len(unit.lines)


def _readings(unit: Unit, taken: Taken, sender: Sender) -> list[Reading]:
    """Its records; or each row that can be none, as it stands, with what is wrong."""
    if not unit.problems:
        return [read(line, sender) for line in unit.lines]
    feed = taken.mapping.feed
    return [Reading(_as_line(taken.read, at), feed, None, None, tuple(unit.problems[at]), sender) for at in unit.rows]


def _as_line(sheet: SheetRead, at: int) -> bytes:
    names = sheet.header.names
    cells = {
        names[place] if place < len(names) and names[place] else str(place + 1): str(shown(cell))
        for place, cell in enumerate(sheet.table.rows[at])
        if not is_blank(cell)
    }
    return to_json({"sheet_row": at + 1, **cells})


def _returned(taken: Taken, reasons: dict[int, str]) -> dict[str, str]:
    form = taken.read.table.form
    stem = taken.name.rpartition(".")[0] or taken.name
    return {
        "name": f"{stem.removesuffix('.rejected')}.rejected{form.suffix}",
        "media_type": form.media_type,
        "base64": base64.b64encode(rejected_file(taken.read, reasons)).decode(),
    }
