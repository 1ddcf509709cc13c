"""Records as a sheet of a mapping: its columns filled from the records' fields, the inverse of reading it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.policy.days import SHANGHAI
from services.intake.reading import EXPORTED_AS
from services.intake.sheets.files import read_file
from services.intake.sheets.kinds import Takes, fields_of, ids_of, list_of
from services.intake.sheets.mapping import SheetMapping
from services.intake.sheets.returned import written
from services.intake.sheets.rows import read_sheet
from services.intake.sheets.table import Cell, Form, Row


def as_sheet(
    mapping: SheetMapping, form: Form, records: Sequence[Mapping[str, Any]], hashed: Callable[[bytes], str]
) -> bytes:
    """hashed: of a line as it will be read, so that what comes back unchanged is known to be unchanged."""
    header, fields = _header(mapping)
    rows = [_row(mapping, fields, record, member) for record in records for member in _members(mapping, record)]
    bare = written(form, [*header, *rows])
    hashes = dict[int, str]()
    if rows:
        for unit in read_sheet(read_file(bare), mapping).units:
            for at in unit.rows:
                hashes[at] = hashed(unit.lines[0]) if unit.lines else ""
    header[-1].append(EXPORTED_AS)
    return written(form, [*header, *([*row, hashes.get(at, "")] for at, row in enumerate(rows, len(header)))])


def _header(mapping: SheetMapping) -> tuple[list[Row], list[str]]:
    """The header's rows, and the field of each column; beside the mapping's own, those that know a record again.

    A column that fills several fields stands once, and is not that of the source_id, which here is another.
    """
    columns = dict[str, str]()
    for field, known in mapping.columns.items():
        if columns.setdefault(known[0], field) == "source_id":
            columns[known[0]] = field
    for name in ("source_id", "revision", *ids_of(mapping.kind)):
        if name not in columns.values():
            columns[name] = name
    names, fields = [*columns], [*columns.values()]
    if mapping.header_rows == 1:
        return [list(names)], fields
    parts = [name.partition("/") for name in names]
    upper: Row = [above if slash else None for above, slash, _ in parts]
    return [upper, [below if slash else above for above, slash, below in parts]], fields


def _members(mapping: SheetMapping, record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed = list_of(mapping.kind)
    return (listed and record[listed]) or [{}]  # a household of which nobody was met is a row as well


def _row(mapping: SheetMapping, fields: Sequence[str], record: Mapping[str, Any], member: Mapping[str, Any]) -> Row:
    known, listed = fields_of(mapping.kind), list_of(mapping.kind)
    row: Row = []
    for field in fields:
        takes = known[field]
        whole, path = (member, field.removeprefix(f"{listed}.")) if takes.in_list else (record, field)
        value = _at(whole, path)
        if value is None and field.startswith("other."):
            value = _at(record, f"other.person.{field.removeprefix('other.')}")
        if path.endswith("person_id") and _at(whole, f"{path.removesuffix('_id')}.id_number") is not None:
            value = None  # a number says who it is, and may be corrected
        row.append(_cell(takes, value, mapping.words.get(field, {})))
    return row


def _at(content: Mapping[str, Any], path: str) -> Any:
    found: Any = content
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _cell(takes: Takes, value: Any, words: Mapping[str, str]) -> Cell:
    """Always a text: a spreadsheet program then changes nothing of it."""
    if value is None:
        return None
    ours = {each: word for word, each in reversed(list(words.items()))}
    if takes.shape == "instant":
        return datetime.fromisoformat(value).astimezone(SHANGHAI).strftime("%Y/%m/%d %H:%M:%S")
    if takes.shape == "flag":
        return "是" if value else "否"
    if takes.shape == "words":
        return "、".join(ours.get(each, each) for each in value)
    return str(ours.get(value, value)) if isinstance(value, str) else str(value)
