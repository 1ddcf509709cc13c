"""An xlsx file to tables, safely: sizes are counted while unpacking, before anything is built from them.

The zip is unpacked under a limit, every part is scanned by expat (no DTD, so no entities; where the outermost cells and
the formulas are), and only what was scanned is packed again, unpressed, for calamine to read. So calamine never sees a
part that was not looked at, whatever the zip's directory says, and never makes room for a cell far from the others.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from xml.parsers import expat

import python_calamine as calamine

from services.intake.rules.when import Epoch
from services.intake.sheets.table import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    Form,
    Formula,
    Row,
    SheetRefused,
    Table,
    shown,
)

MOST_PARTS = 500
MOST_UNPACKED = 192 * 1024 * 1024
MOST_TEXT = 128 * 1024 * 1024
"""Characters of all cells together; a text that stands once in the file may be shown in a million cells."""
_PIECE = 1024 * 1024
_WANTED = ("[Content_Types].xml", "_rels/", "xl/_rels/", "xl/worksheets/")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
)


def read_workbook(body: bytes) -> list[Table]:
    """The visible sheets that hold anything, in their order. Raises SheetRefused."""
    parts = _unpacked(body)
    scans = {name: scan_part(name, part) for name, part in parts.items()}
    texts = scans.get("xl/sharedStrings.xml")
    for name, scan in scans.items():
        if texts and scan.shared * texts.longest > MOST_TEXT and _shown(parts[name], texts.lengths) > MOST_TEXT:
            raise SheetRefused("file_unpacked", limit=MOST_TEXT)
    epoch: Epoch = 1904 if scans["xl/workbook.xml"].from_1904 else 1900
    try:
        return list(_tables(_packed(parts), scans, epoch))
    except calamine.PasswordError:
        raise SheetRefused("file_locked") from None
    except (calamine.CalamineError, *_BROKEN):
        raise SheetRefused("file_broken") from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of Rust, and no Exception
            raise SheetRefused("file_broken") from None
        raise


def _unpacked(body: bytes) -> dict[str, bytes]:
    """The parts that are read, by name."""
    parts, left = dict[str, bytes](), MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if len(entries) > MOST_PARTS or sum(each.file_size for each in entries) > MOST_UNPACKED:
                raise SheetRefused("file_unpacked", limit=MOST_UNPACKED)
            for entry in entries:
                if _is_wanted(entry.filename):
                    parts[entry.filename] = _content(archive, entry, left)
                    left -= len(parts[entry.filename])
    except _BROKEN:
        raise SheetRefused("file_broken") from None
    if "xl/workbook.xml" not in parts:
        raise SheetRefused("file_no_workbook")
    return parts


def _is_wanted(name: str) -> bool:
    if not name.endswith((".xml", ".rels")):
        return False
    return name.startswith(_WANTED) or (name.startswith("xl/") and "/" not in name[3:])


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Unpacked piece by piece: what the entry says of its size is not believed."""
    content = bytearray()
    with archive.open(entry) as packed:
        while piece := packed.read(_PIECE):
            content += piece
            if len(content) > most:
                raise SheetRefused("file_unpacked", limit=MOST_UNPACKED)
    return bytes(content)


def _packed(parts: dict[str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    packed.seek(0)
    return packed


class Scan:
    """What is to be known of a part before it is read. Rows and columns from 0."""

    def __init__(self) -> None:
        self.formulas: list[tuple[int, int, int, int]] = []
        self.relations: dict[str, str] = {}
        self.lengths: list[int] = []
        self.longest = self.shared = self.last_row = self.last_column = 0
        self.from_1904 = False
        self._row, self._column = -1, -1
        self._columns: dict[str, int] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        match tag.rpartition(":")[2]:
            case "c":
                self._cell(attributes)
            case "v" | "is":
                self._hold()
            case "f":
                self._hold()
                self._formula(attributes.get("ref", "") if attributes.get("t") in ("array", "dataTable") else "")
            case "row":
                self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
                self._column = -1
            case "si":
                self.lengths.append(0)
            case "workbookPr":
                self.from_1904 = attributes.get("date1904", "").lower() in ("1", "true")
            case "sheet":
                relation = next((value for name, value in attributes.items() if name.endswith(":id")), "")
                self.relations[attributes.get("name", "")] = relation
            case "Relationship":
                self.relations[attributes.get("Id", "")] = attributes.get("Target", "")

    def text(self, text: str) -> None:
        """Of the table of texts."""
        if self.lengths:
            self.lengths[-1] += len(text)

    def _cell(self, attributes: dict[str, str]) -> None:
        if place := attributes.get("r"):
            self._row, self._column = self._place(place)
        else:
            self._column += 1
        self.shared += attributes.get("t") == "s"
        if attributes.get("t") == "e":  # #N/A and its like, pasted as a value: calamine would show nothing
            self._formula("")

    def _hold(self) -> None:
        """The cell at hand is more than a frame around nothing, which programs write by the million."""
        self.last_row, self.last_column = max(self.last_row, self._row), max(self.last_column, self._column)

    def _formula(self, over: str) -> None:
        """The cell at hand is worked out; or all cells of a range, of which only the first one says so."""
        first, _, last = over.partition(":")
        top, left = self._place(first) if first else (self._row, self._column)
        self.formulas.append((top, left, *(self._place(last) if last else (top, left))))

    def _place(self, reference: str) -> tuple[int, int]:
        letters = reference.rstrip("0123456789")
        return int(reference[len(letters) :]) - 1, self._number(letters)

    def _number(self, letters: str) -> int:
        number = self._columns.get(letters)
        if number is None:
            if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
                raise SheetRefused("file_broken")
            number = 0
            for letter in letters.upper():
                number = number * 26 + ord(letter) - 64
            self._columns[letters] = number = number - 1
        return number


def scan_part(name: str, part: bytes) -> Scan:
    """Raises SheetRefused for a DTD, for what is no XML, and for a sheet that is too large."""
    scan, parser = Scan(), expat.ParserCreate()
    parser.StartElementHandler = scan.start
    parser.StartDoctypeDeclHandler = _refuse_doctype
    if name == "xl/sharedStrings.xml":
        parser.buffer_text, parser.CharacterDataHandler = True, scan.text
    try:
        parser.Parse(part, True)
    except (expat.ExpatError, ValueError, LookupError):  # LookupError: an encoding that nobody knows
        raise SheetRefused("file_broken") from None
    scan.longest = max(scan.lengths, default=0)
    rows, columns = scan.last_row + 1, scan.last_column + 1
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise SheetRefused("file_too_many", rows=MOST_ROWS, columns=MOST_COLUMNS)
    return scan


def _refuse_doctype(*_: object) -> None:
    raise SheetRefused("file_entities")


def _shown(part: bytes, lengths: list[int]) -> int:
    """Characters that the cells of a sheet show of the table of texts."""
    shown, inside, is_shared = 0, False, False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside, is_shared
        tag = tag.rpartition(":")[2]
        if tag == "c":
            is_shared = attributes.get("t") == "s"
        inside = is_shared and tag == "v"

    def text(digits: str) -> None:
        nonlocal shown
        if inside and digits.strip().isdecimal() and int(digits) < len(lengths):
            shown += lengths[int(digits)]

    parser = expat.ParserCreate()
    parser.buffer_text, parser.StartElementHandler, parser.CharacterDataHandler = True, start, text
    parser.Parse(part, True)
    return shown


def _tables(packed: io.BytesIO, scans: Mapping[str, Scan], epoch: Epoch) -> Iterator[Table]:
    with calamine.load_workbook(packed) as workbook:
        for about in workbook.sheets_metadata:
            if about.typ != calamine.SheetTypeEnum.WorkSheet or about.visible != calamine.SheetVisibleEnum.Visible:
                continue
            sheet = workbook.get_sheet_by_name(about.name)
            rows: list[Row] = [list(row) for row in sheet.to_python(skip_empty_area=False)]
            _mark_formulas(rows, _scan_of(about.name, scans))
            merged = [_area(first, last) for first, last in sheet.merged_cell_ranges or ()]
            if rows:
                yield Table(Form("xlsx", sheet=about.name, epoch=epoch), rows, merged)


def _area(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int, int, int]:
    """Some programs write the last corner first."""
    (top, bottom), (left, right) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return top, left, bottom, right


def _scan_of(sheet: str, scans: Mapping[str, Scan]) -> Scan:
    """Of the part that holds a sheet. Raises SheetRefused when it was not looked at."""
    relation = scans["xl/workbook.xml"].relations.get(sheet, "")
    target = scans["xl/_rels/workbook.xml.rels"].relations.get(relation, "")
    name = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    if name not in scans:
        raise SheetRefused("file_broken")
    return scans[name]


def _mark_formulas(rows: list[Row], scan: Scan) -> None:
    """Raises SheetRefused when ranges lie over each other so often that marking them would not end."""
    marked = 0
    for top, left, bottom, right in scan.formulas:
        for row in rows[top : bottom + 1]:
            for column in range(left, min(right + 1, len(row))):
                row[column] = Formula(shown(row[column]))
                marked += 1
        if marked > MOST_CELLS:
            raise SheetRefused("file_too_many", rows=MOST_ROWS, columns=MOST_COLUMNS)
