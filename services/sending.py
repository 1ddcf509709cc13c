"""`gridward send`: a file by intake's door. NDJSON goes as it is, CSV through a mapping; each row gets its verdict.

Rejected rows are written beside the file in its own form, each with the reason: mend them there and send that file.
Sending a file again is safe: what was accepted is answered as a duplicate.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track

from services.chassis.errors import GridwardError
from services.intake.mapping import RowError, Sheet, SheetMapping, load_mapping
from services.intake.reading import ADDED_TO_REJECTS

ROWS_A_REQUEST = 1000
BYTES_A_REQUEST = 8 * 1024 * 1024
NDJSON = "application/x-ndjson"
TRIES = 5
TIMEOUT = httpx.Timeout(120.0, connect=10.0)


class SendError(GridwardError):
    """The door could not be reached or refused the whole request; what was answered before is kept there."""


@dataclass
class Row:
    """A row of the file: as it stands, the line that is sent for it, or why there is none."""

    original: Any
    line: bytes | None
    reason: str | None = None


@dataclass
class Sent:
    """What became of the rows, by verdict; and those that were rejected."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Row] = field(default_factory=list)


def send_file(file: Path, *, mapping: str | None, to: str, token: str) -> int:
    """Send the file, show the counts; 0 when nothing was rejected, else 1. Raises GridwardError."""
    console = Console()
    if mapping is None:
        lines = [line.strip() for line in file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
        sent = _send([Row(line, line) for line in lines], to, token, console)
        rejected = _write_lines(file, sent.rejected)
    else:
        how = load_mapping(mapping)
        sheet = Sheet(file, how)
        sent = _send([_row(original, row, how) for original, row in sheet], to, token, console)
        _tell_unsent(sheet, how, console)
        _tell_unread(sheet, how, console)
        rejected = _write_sheet(file, sheet, sent.rejected)
    for word in ("accepted", "duplicate", "rejected"):
        console.print(f"{word:<10}{sent.counts[word]:>9,}", highlight=False)
    if rejected:
        told = f"Rejected rows, with the reason in {ADDED_TO_REJECTS}: {rejected}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    return 1 if rejected else 0


def _row(original: list[str], row: dict[str, str], mapping: SheetMapping) -> Row:
    try:
        return Row(original, json.dumps(mapping.record_of(row), ensure_ascii=False).encode())
    except RowError as error:
        return Row(original, None, str(error))


def _send(rows: Sequence[Row], to: str, token: str, console: Console) -> Sent:
    sent = Sent()
    headers = {"authorization": f"Bearer {token}", "accept-language": _language(), "content-type": NDJSON}
    with httpx.Client(headers=headers, timeout=TIMEOUT) as client:
        for chunk in track(list(_chunks(rows)), "sending", console=console, disable=not console.is_terminal):
            verdicts = _post(client, to, [row.line for row in chunk if row.line is not None])
            for row in chunk:
                row.reason = row.reason or _reason(next(verdicts), sent.counts)
                if row.reason:
                    sent.counts["rejected"] += 1
                    sent.rejected.append(row)
    return sent


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    chunk, size = list[Row](), 0
    for row in rows:
        chunk.append(row)
        size += len(row.line or b"")
        if len(chunk) == ROWS_A_REQUEST or size > BYTES_A_REQUEST:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _reason(verdict: dict[str, Any], counts: Counter[str]) -> str | None:
    """Counts what was taken; gives the reason for what was not."""
    if verdict["verdict"] != "rejected":
        counts[verdict["verdict"]] += 1
        return None
    told = (f"{each['field']}: {each['why']} -> {each['would_be_right']}" for each in verdict["errors"])
    return "; ".join(reason.removeprefix(": ") for reason in told)


def _post(client: httpx.Client, to: str, lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """The verdicts in the order of the lines. A request that was not answered goes again: repeats are recognised."""
    if not lines:
        return iter(())
    answer = _answered(client, f"{to.rstrip('/')}/records", b"\n".join(lines))
    verdicts = [json.loads(line) for line in answer.content.splitlines()]
    if len(verdicts) != len(lines):
        raise SendError(f"{len(verdicts)} verdicts for {len(lines)} rows: send the file again")
    return iter(verdicts)


def _answered(client: httpx.Client, url: str, body: bytes) -> httpx.Response:
    why = ""
    for tried in range(TRIES):
        try:
            answer = client.post(url, content=body)
        except httpx.TransportError as error:
            why = f"does not answer ({type(error).__name__})"
        else:
            if answer.status_code == 200:
                return answer
            why = f"answered {answer.status_code}: {answer.text[:300]}"
            if answer.status_code < 500:
                break
        time.sleep(0.2 * 2**tried)
    raise SendError(f"{url} {why}. Check --to and --token, then send the file again: repeats are recognised")


def _language() -> str:
    words = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, words), "").startswith("zh") else "en"


def _tell_unread(sheet: Sheet, mapping: SheetMapping, console: Console) -> None:
    """Free texts in which no pattern was found, each with its row: listed, not dropped in silence."""
    for number, (_, row) in enumerate(sheet, 2):
        for name in mapping.unread(row):
            text = row[mapping.columns[name]].strip()
            console.print(f"row {number}: no {name} in the words {text!r}; sent without", highlight=False, markup=False)


def _tell_unsent(sheet: Sheet, mapping: SheetMapping, console: Console) -> None:
    """Nothing is dropped silently: what stands in the sheet and is not sent."""
    for name, filled in sorted((+sheet.unsent(mapping)).items()):
        why = "left out by the mapping" if name in mapping.left_out else "not in the mapping: add it, or to left_out"
        console.print(f"not sent  column {name!r}, {filled} rows: {why}", highlight=False, markup=False, soft_wrap=True)


def _write_sheet(file: Path, sheet: Sheet, rejected: Iterable[Row]) -> Path | None:
    """FILE.rejected.csv: the sheet's own columns and the reason in the last one."""
    kept = [name for name in sheet.names if name != ADDED_TO_REJECTS]
    rows = [[*_without_reason(row.original, sheet.names), row.reason] for row in rejected]
    if not rows:
        return None
    path = file.with_name(f"{file.name.removesuffix('.csv')}.rejected.csv")
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([[*kept, ADDED_TO_REJECTS], *rows])
    return path


def _without_reason(cells: Sequence[str], names: Sequence[str]) -> list[str]:
    padded = [*cells, *[""] * (len(names) - len(cells))]
    return [cell for cell, name in zip(padded, names, strict=False) if name != ADDED_TO_REJECTS]


def _write_lines(file: Path, rejected: Iterable[Row]) -> Path | None:
    """FILE.rejected.ndjson: each object with the reason added; what is no object goes into `unreadable`."""
    lines = [_with_reason(row) for row in rejected]
    if not lines:
        return None
    path = file.with_name(f"{file.name.removesuffix('.ndjson')}.rejected.ndjson")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _with_reason(row: Row) -> str:
    try:
        content = json.loads(row.original)
    except ValueError:
        content = None
    content = content if isinstance(content, dict) else {"unreadable": row.original.decode(errors="replace")}
    return json.dumps({**content, ADDED_TO_REJECTS: row.reason}, ensure_ascii=False)
