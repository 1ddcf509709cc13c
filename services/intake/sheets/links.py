"""What free words of a row name beside its own person: other rows of the list, and places; without a direction."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from services.intake.rules.when import Habits
from services.intake.sheets.cells import Wrong, text_of, value_of
from services.intake.sheets.headers import Header
from services.intake.sheets.kinds import Takes
from services.intake.sheets.mapping import Links, SheetMapping
from services.intake.sheets.table import Row, is_blank

EXPOSURE, PLACE_EXPOSURE = "exposure", "place-exposure"
_INSTANT = Takes("instant")
_NAMED = {"source_id", "division_code", "person_ref"}
_BETWEEN = re.compile(r"[\s,，;；:：/、.()（）-]+|'s\b|\b(?:and|of|the|in|at|a|with)\b", re.IGNORECASE)


class Unread(NamedTuple):
    """Words that nothing was made of. row: of the table, from 0."""

    row: int
    column: str
    words: str


def linked(
    mapping: SheetMapping,
    header: Header,
    at: int,
    row: Row,
    values: dict[str, Any],
    known: Collection[str],
    habits: Habits,
) -> tuple[list[dict[str, Any]], list[Unread]]:
    """The records that a row's words make, and what is left of the words. known: person_refs of the file's rows."""
    links = mapping.links
    column = header.column_named(links.column) if links else None
    if links is None or column is None or column >= len(row) or is_blank(row[column]) or not values.keys() >= _NAMED:
        return [], []
    shown = header.names[column]
    text = text_of(row[column], shown)
    if text.casefold() in mapping.empty_words or text in values.values():  # or a word of ours
        return [], []
    common = _common(mapping, values)
    span = {
        "first_at": _first(header, row, (*links.first_at, *links.last_at), habits, mapping.empty),
        "last_at": _first(header, row, links.last_at, habits, mapping.empty),
    }
    if span["first_at"] > span["last_at"]:
        span["first_at"] = span["last_at"]
    records, rest = list[dict[str, Any]](), text
    for other in _others(links, text, known - {values["person_ref"]} if isinstance(known, set) else known):
        rest = rest.replace(other, " ")
        way = next((ours for each, ours in links.ways if re.search(each, text, re.IGNORECASE)), links.way)
        named = {"other": {"person_ref": other}, "other_division_code": values["division_code"], "way": str(way)}
        records.append({**common, "kind": EXPOSURE, "source_id": f"{common['source_id']}-{other}", **named, **span})
    for pattern, place_id in links.places:
        if re.search(pattern, text, re.IGNORECASE):
            rest = re.sub(pattern, " ", rest, flags=re.IGNORECASE)
            place = {"kind": PLACE_EXPOSURE, "source_id": f"{common['source_id']}-{place_id}", "place_id": place_id}
            records.append({**common, **place, **span})
    for pattern in (*(each for each, _ in links.ways if records), *links.resolved):
        rest = re.sub(pattern, " ", rest, flags=re.IGNORECASE)
    left = _BETWEEN.sub("", rest)
    return records, [Unread(at, shown, text)] if left else []


def _common(mapping: SheetMapping, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "feed": mapping.feed,
        "source_id": values["source_id"],
        "division_code": values["division_code"],
        "person_ref": values["person_ref"],
    }


def _others(links: Links, text: str, known: Collection[str]) -> Iterator[str]:
    """Each once, in the order of the words."""
    for found in dict.fromkeys(each.group() for each in re.finditer(links.other, text)):
        if found in known:
            yield found


def _first(header: Header, row: Row, columns: tuple[str, ...] | list[str], habits: Habits, empty: list[str]) -> str:
    """The first of the columns that is filled, as an instant; "" when none is."""
    for name in columns:
        column = header.column_named([name])
        if column is None or column >= len(row) or is_blank(row[column]) or row[column] in empty:
            continue
        try:
            return str(value_of(_INSTANT, row[column], name, None, habits))
        except Wrong:
            continue
    return ""
