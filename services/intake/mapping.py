"""A sender's spreadsheet as canonical records: columns, dates and words of a CSV file, described by a TOML file."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.policy.days import SHANGHAI
from services.chassis.errors import GridwardError
from services.intake.reading import ADDED_TO_REJECTS
from services.intake.records import KINDS

_ENCODINGS = ("utf-8-sig", "gb18030")


class MappingError(GridwardError):
    """The mapping or the file's form is wrong; nothing was sent."""


class RowError(ValueError):
    """One row cannot be made a record: it goes to the rejected rows with this text."""


class Days(BaseModel):
    """Fields that hold a day in the sender's form (of strptime); sent as 00:00 of that Shanghai day."""

    model_config = ConfigDict(extra="forbid")

    form: str
    fields: list[str]


class SheetMapping(BaseModel):
    """How one kind of sheet is read.

    columns: field of the record (`person.sex`) -> column. constants: field -> value of every row. words: field ->
    the sender's word -> ours. patterns: field -> (regular expression, ours), the first that is found counts;
    what none is found in goes without. empty: what stands for nothing. left_out: columns that are known and not sent.
    """

    model_config = ConfigDict(extra="forbid")

    feed: str
    kind: str
    columns: dict[str, str]
    constants: dict[str, str] = {}
    days: Days | None = None
    words: dict[str, dict[str, str]] = {}
    patterns: dict[str, list[tuple[str, str]]] = {}
    empty: list[str] = Field(default=[""])
    left_out: list[str] = []

    def record_of(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The record that a row holds. Raises RowError."""
        record: dict[str, Any] = {"feed": self.feed, "kind": self.kind}
        for field, constant in self.constants.items():
            _put(record, field, constant)
        for field, column in self.columns.items():
            text = (row.get(column) or "").strip()
            value = None if text in self.empty else self._value(field, column, text)
            if value is not None:
                _put(record, field, value)
        return record

    def unread(self, row: Mapping[str, str]) -> list[str]:
        """Fields whose free text is there and has none of the patterns: to be listed, not dropped in silence."""
        texts = {field: (row.get(self.columns[field]) or "").strip() for field in self.patterns}
        return [
            field
            for field, text in texts.items()
            if text not in self.empty and _found(self.patterns[field], text) is None
        ]

    def _value(self, field: str, column: str, text: str) -> object:
        if field in self.patterns:
            return _found(self.patterns[field], text)
        if field in self.words:
            if text not in self.words[field]:
                raise RowError(f"column {column}: the word is not one of {', '.join(self.words[field])}")
            return self.words[field][text]
        if self.days and field in self.days.fields:
            try:
                return datetime.strptime(text, self.days.form).replace(tzinfo=SHANGHAI).isoformat()
            except ValueError:
                raise RowError(f"column {column}: this is no day in the form {self.days.form}") from None
        return _number(column, text) if _takes_number(self.kind, field) else text


def _found(patterns: list[tuple[str, str]], text: str) -> str | None:
    return next((ours for pattern, ours in patterns if re.search(pattern, text, re.IGNORECASE)), None)


def _put(record: dict[str, Any], field: str, value: object) -> None:
    *outer, last = field.split(".")
    for name in outer:
        record = record.setdefault(name, {})
    record[last] = value


def _takes_number(kind: str, field: str) -> bool:
    known = KINDS[kind].model_fields.get(field)
    return known is not None and known.annotation in (int, float, float | None)


def _number(column: str, text: str) -> float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise RowError(f"column {column}: this is no number") from None


def load_mapping(name: str) -> SheetMapping:
    """A mapping by its file, or by the name of one that is shipped. Raises MappingError."""
    shipped = files("services.intake").joinpath("mappings")
    path = Path(name) if name.endswith(".toml") else shipped.joinpath(f"{name}.toml")
    if not path.is_file():
        names = ", ".join(sorted(each.name.removesuffix(".toml") for each in shipped.iterdir()))
        raise MappingError(f"no mapping {name!r}: give a TOML file, or one of {names}")
    try:
        mapping = SheetMapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{name} is no TOML file: {error}") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise MappingError(f"{name} is no mapping: {wrong}") from None
    if mapping.kind not in KINDS:
        raise MappingError(f"{name}: no kind {mapping.kind!r}; one of {', '.join(KINDS)}")
    return mapping


class Sheet:
    """A CSV file: its header as it stands, rows by column names without blanks at their ends."""

    def __init__(self, path: Path, mapping: SheetMapping) -> None:
        """Raises MappingError when a column that the mapping names is missing."""
        rows = csv.reader(io.StringIO(_text_of(path), newline=""))
        self.header = next(rows, [])
        self.names = [name.strip() for name in self.header]
        if missing := sorted(set(mapping.columns.values()) - set(self.names)):
            raise MappingError(f"{path.name} has no column {', '.join(missing)}; it has {', '.join(self.names)}")
        self._rows = [row for row in rows if any(cell.strip() for cell in row)]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[list[str], dict[str, str]]]:
        """Each row as it stands, and by column."""
        for row in self._rows:
            yield row, dict(zip(self.names, row, strict=False))

    def unsent(self, mapping: SheetMapping) -> Counter[str]:
        """Columns that the mapping does not send -> how many rows have something in them."""
        sent = {*mapping.columns.values(), ADDED_TO_REJECTS}
        counted = Counter({name: 0 for name in self.names if name not in sent})
        for _, row in self:
            counted.update(name for name in counted.keys() & row.keys() if row[name].strip() not in mapping.empty)
        return counted


def _text_of(path: Path) -> str:
    """UTF-8, or what a spreadsheet program writes in China. Raises MappingError."""
    body = path.read_bytes()
    for encoding in _ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise MappingError(f"{path.name} is neither UTF-8 nor GB 18030: save it as CSV in UTF-8")
