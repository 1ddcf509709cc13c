"""`gridward send`: a file by intake's door. NDJSON goes as it is, a sheet by a mapping; each row gets its verdict.

Rejected rows are written beside the file in its own form, each with the reason: mend them there and send that file.
No file of rejected rows is written over but the one that was sent.
Sending a file again is safe: what was accepted is answered as a duplicate.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from services.door_client import SendError, Target, client_of, own_language, post
from services.intake.reading import ADDED_TO_REJECTS
from services.intake.sheets.files import read_file
from services.intake.sheets.judged import judged
from services.intake.sheets.mapping import SheetMapping, load_mapping, shipped
from services.intake.sheets.returned import rejected_file
from services.intake.sheets.rows import SheetRead, read_sheet
from services.intake.sheets.table import LARGEST_FILE, SheetRefused
from services.intake.sheets.units import Unit
from services.intake.verdicts import ACCEPTED, DUPLICATE, REJECTED

ROWS_A_REQUEST = 1000
BYTES_A_REQUEST = 8 * 1024 * 1024
_SHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".et", ".csv", ".tsv"})


@dataclass
class Sent:
    """What became of the rows, by verdict; and the reasons of those that were rejected, by their place."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: dict[int, str] = field(default_factory=dict)

    def add(self, place: int, verdict: str, reason: str) -> None:
        self.counts[verdict] += 1
        if verdict == REJECTED:
            self.rejected[place] = reason


def send_file(file: Path, target: Target, mapping: str | None = None) -> int:
    """Send the file, show the counts; 0 when nothing was rejected, else 1. Raises GridwardError."""
    console = Console()
    if mapping is None and file.suffix.lower() in _SHEETS:
        raise SendError(f"{file.name} is a sheet: give --mapping one of {', '.join(shipped())}, or a TOML file")
    if mapping is None:
        lines = [line.strip() for line in file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
        if not lines:
            raise SendError(f"{file.name} is empty: give a file with a record on each line, or a sheet with --mapping")
        sent = _send_lines(lines, target, console)
        write, rows = partial(_write_lines, file, lines), len(lines)
    else:
        read = _read(file, load_mapping(mapping).given(year=target.year, division=target.division))
        sent, rows = _send_sheet(read, target, console), read.rows
        _tell_not_sent(read, load_mapping(mapping), console)
        write = partial(_write_sheet, file, read)
    for word in (ACCEPTED, DUPLICATE, REJECTED):
        console.print(f"{word:<10}{sent.counts[word]:>9,}", highlight=False)
    rejected = _returned(sent.rejected, write, console)
    if sent.counts.total() != rows:
        raise SendError(f"{sent.counts.total():,} verdicts for {rows:,} rows: nothing is known of the others")
    if rejected:
        told = f"Rejected rows, with the reason in {ADDED_TO_REJECTS}: {rejected}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    return 1 if rejected else 0


def _read(file: Path, mapping: SheetMapping) -> SheetRead:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise SheetRefused("file_large", limit=LARGEST_FILE)
        read = read_sheet(read_file(file.read_bytes()), mapping)
        if not read.rows:
            raise SheetRefused("file_no_rows")
    except SheetRefused as refused:
        raise SendError(f"{file.name}: {refused.told(own_language())}") from None
    return read


def _send_sheet(read: SheetRead, target: Target, console: Console) -> Sent:
    sent, language = Sent(), own_language()
    with client_of(target) as client:
        for units in track(list(_parts(read.units)), "sending", console=console, disable=not console.is_terminal):
            answers = post(client, target, [line for unit in units for line in unit.lines])
            for unit in units:
                own = [next(answers) for _ in unit.lines]
                for verdict in judged(read, unit, own, language):
                    sent.add(verdict.at, verdict.word, verdict.reason)
    return sent


def _parts(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    part, lines, size = list[Unit](), 0, 0
    for unit in units:
        part.append(unit)
        lines += len(unit.lines)
        size += sum(map(len, unit.lines))
        if lines >= ROWS_A_REQUEST or size > BYTES_A_REQUEST:
            yield part
            part, lines, size = [], 0, 0
    if part:
        yield part


def _send_lines(lines: Sequence[bytes], target: Target, console: Console) -> Sent:
    sent, before = Sent(), 0
    with client_of(target) as client:
        for chunk in track(list(_chunks(lines)), "sending", console=console, disable=not console.is_terminal):
            for place, verdict in enumerate(post(client, target, chunk), before):
                sent.add(place, verdict["verdict"], _reason(verdict))
            before += len(chunk)
    return sent


def _chunks(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    chunk, size = list[bytes](), 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if len(chunk) == ROWS_A_REQUEST or size > BYTES_A_REQUEST:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _reason(verdict: dict[str, Any]) -> str:
    told = (f"{each['field']}: {each['why']} -> {each['would_be_right']}" for each in verdict.get("errors", ()))
    return "; ".join(reason.removeprefix(": ") for reason in told)


def _tell_not_sent(read: SheetRead, mapping: SheetMapping, console: Console) -> None:
    """Nothing is dropped silently: columns, sheets and words of the file that no record holds."""
    told = [
        f"row {each.row + 1}: nothing is known by the words {each.words!r} of {each.column}" for each in read.unread
    ]
    for name, filled in sorted(read.unsent.items()):
        why = "left out by the mapping" if name in mapping.left_out else "not in the mapping: add it, or to left_out"
        told.append(f"not sent  column {name!r}, {filled} rows: {why}")
    told += [f"not read  sheet {name!r}: send it in a file of its own" for name in read.other_sheets]
    for line in told:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _returned(rejected: Mapping[int, str], write: Callable[[Mapping[int, str]], Path], console: Console) -> Path | None:
    """The file that holds the rejected rows; where it cannot be written the reasons are told. Raises SendError then."""
    if not rejected:
        return None
    try:
        return write(rejected)
    except OSError as error:
        for place, reason in sorted(rejected.items()):
            console.print(f"row {place + 1}: {reason}", highlight=False, markup=False, soft_wrap=True)
        path = error.filename or "the file of the rejected rows"  # of a full disk nothing is named
        raise SendError(
            f"{path} cannot be written ({error.strerror}): the rows above were rejected, the others kept. "
            "Mend them, or send a copy of the file in a folder in which you may write: repeats are recognised"
        ) from None


def _write_sheet(file: Path, read: SheetRead, rejected: Mapping[int, str]) -> Path:
    """FILE.rejected.xlsx or .csv: the sheet's own form and cells, the reason in the last column."""
    stem = file.name.removesuffix(file.suffix).removesuffix(".rejected")
    return _kept(file, stem, read.table.form.suffix, rejected_file(read, rejected))


def _write_lines(file: Path, lines: Sequence[bytes], rejected: Mapping[int, str]) -> Path:
    """FILE.rejected.ndjson: each object with the reason added; what is no object goes into `unreadable`."""
    told = [_with_reason(lines[place], rejected[place]) for place in sorted(rejected)]
    stem = file.name.removesuffix(".ndjson").removesuffix(".rejected")
    return _kept(file, stem, ".ndjson", ("\n".join(told) + "\n").encode())


def _kept(file: Path, stem: str, suffix: str, body: bytes) -> Path:
    """The path of a file of rejected rows, written whole or not at all. It takes the place of the file that was sent,
    and of no other: another one may hold rows of an earlier time, half mended.
    """
    names = (f"{stem}{number}.rejected{suffix}" for number in chain([""], (f"-{again}" for again in count(2))))
    path = next(path for name in names if (path := file.with_name(name)) == file or not path.exists())
    beside = path.with_name(f"{path.name}.part")
    beside.write_bytes(body)
    beside.replace(path)
    return path


def _with_reason(line: bytes, reason: str) -> str:
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    content = content if isinstance(content, dict) else {"unreadable": line.decode(errors="replace")}
    return json.dumps({**content, ADDED_TO_REJECTS: reason}, ensure_ascii=False)
