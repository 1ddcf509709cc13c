"""A mapping: how one kind of sheet is read, as a TOML file. A mistake in it is told with its line."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contracts.events.contacts import ContactWay
from services.chassis.errors import GridwardError
from services.intake.records import KINDS
from services.intake.rules.when import Order
from services.intake.sheets.kinds import fields_of, list_of

Names = Annotated[list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
"""Of a column, as headers call it: one text, or several. Under a two-row header `upper/lower`, or the lower one."""
_SHIPPED = files("services.intake").joinpath("mappings")
_FEED = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


class MappingError(GridwardError):
    """The mapping is wrong; nothing was sent."""


class Links(BaseModel):
    """Other rows and places that a column of free words names; each becomes a record of its own.

    other: a regular expression whose whole find is the other's person_ref, taken only where a row of this file has it.
    ways, places: (regular expression, ours), the first that is found; way: where none is. first_at, last_at: columns,
    the first that is filled. resolved: words that need no link; what is left of the text then is listed as unread.
    """

    model_config = ConfigDict(extra="forbid")

    column: Names
    other: str
    way: ContactWay
    ways: list[tuple[str, ContactWay]] = []
    places: list[tuple[str, str]] = []
    first_at: list[str]
    last_at: list[str]
    resolved: list[str] = []


class SheetMapping(BaseModel):
    """How one kind of sheet is read; fields are those of the record, `person.sex` (`GET /records/schema`).

    columns: field -> column. optional: fields whose column may be missing. times: field -> a second column with the
    time of that day. constants: field -> value. words: field -> the sheet's word -> ours. patterns: field ->
    (regular expression, ours), the first that is found. composed: field -> the fields it is put together from,
    `a|b` where the first of several that is there will do.
    fill_down: fields whose empty cells mean the one above; of those in an inner list, which belong to one person or
    place, none does where the row says something else in one of them. record_of: fields whose equal values make rows
    one record (a household, a tube). year: of `3.5`. empty: what stands for nothing. left_out: columns known and not
    sent. examples: field -> what the template's example shows.
    """

    model_config = ConfigDict(extra="forbid")

    feed: str
    kind: str
    title: tuple[str, str] = ("", "")
    header_rows: int = Field(default=1, ge=1, le=2)
    columns: dict[str, Names]
    optional: list[str] = []
    times: dict[str, Names] = {}
    constants: dict[str, str | int | float | bool] = {}
    words: dict[str, dict[str, str]] = {}
    patterns: dict[str, list[tuple[str, str]]] = {}
    composed: dict[str, list[str]] = {}
    fill_down: list[Names] = []
    record_of: list[str] = []
    year: int | None = Field(default=None, ge=1900, le=2199)
    day_order: Order = "ymd"
    empty: list[str] = Field(default=["", "-", "—", "/", "NA", "N/A", "无", "暂无"])
    left_out: list[str] = []
    examples: dict[str, str] = {}
    links: Links | None = None

    @cached_property
    def empty_words(self) -> frozenset[str]:
        """`empty`, as texts that are `casefold`ed are compared with it."""
        return frozenset(each.casefold() for each in self.empty)

    def given(self, *, year: int | None = None, division: str | None = None) -> SheetMapping:
        """The same for one file whose year or division is told beside it."""
        constants = self.constants if division is None else {**self.constants, "division_code": division}
        columns = self.columns
        if division is not None:
            columns = {field: names for field, names in columns.items() if field != "division_code"}
        return self.model_copy(
            update={"year": self.year if year is None else year, "constants": constants, "columns": columns}
        )


def shipped() -> list[str]:
    """The names of the mappings that come with the product."""
    return sorted(each.name.removesuffix(".toml") for each in _SHIPPED.iterdir() if each.name.endswith(".toml"))


def load_shipped(name: str) -> SheetMapping:
    """Raises MappingError."""
    if name not in shipped():
        raise MappingError(f"no mapping {name[:64]!r}: one of {', '.join(shipped())}")
    return read_mapping(name, _SHIPPED.joinpath(f"{name}.toml").read_bytes())


def load_mapping(name: str) -> SheetMapping:
    """A mapping by its file, or by the name of one that is shipped. Raises MappingError."""
    if not name.endswith(".toml"):
        return load_shipped(name)
    if not Path(name).is_file():
        raise MappingError(f"no file {name!r}: give a TOML file, or one of {', '.join(shipped())}")
    return read_mapping(name, Path(name).read_bytes())


def read_mapping(name: str, body: bytes) -> SheetMapping:
    """Raises MappingError with every mistake and its line."""
    try:
        text = body.decode("utf-8-sig")
        mapping = SheetMapping.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = '; a key such as "阴性" needs quotation marks' if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise MappingError(f"{name} is no TOML file: {error}{hint}") from None
    except ValidationError as error:
        found = [(each["loc"], each["msg"]) for each in error.errors(include_url=False, include_input=False)]
        raise MappingError(_told(name, text, found)) from None
    if found := _mistakes(mapping):
        raise MappingError(_told(name, text, found))
    return mapping


def _told(name: str, text: str, found: list[tuple[tuple[Any, ...], str]]) -> str:
    lines = (f"line {_line_of(text, place)}, {'.'.join(map(str, place))}: {message}" for place, message in found)
    return f"{name} is no mapping: " + "; ".join(lines)


def _line_of(text: str, place: tuple[Any, ...]) -> int:
    """The line of the key nearest to a place such as ("words", "person.sex", "F"); 1 when it stands nowhere."""
    keys = [str(key) for key in place if isinstance(key, str)]
    best, section = 1, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        key, here = _key_of(line, section)
        if key is None:
            continue
        depth = len(here)
        if here == keys[:depth] and depth >= 1 and (best == 1 or here == keys):
            best = number
    return best


def _key_of(line: str, section: list[str]) -> tuple[str | None, list[str]]:
    """The keys down to this line, and the table header kept in `section`."""
    if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
        section[:] = [part.strip("\"' ") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[^."\']+', header[1])]
        return section[-1], list(section)
    if pair := re.match(r"""\s*("[^"]*"|'[^']*'|[\w-]+)\s*=""", line):
        key = pair[1].strip("\"'")
        return key, [*section, key]
    return None, []


def _mistakes(mapping: SheetMapping) -> list[tuple[tuple[Any, ...], str]]:
    """What is right by its form and still cannot be meant."""
    if not _FEED.fullmatch(mapping.feed):
        return [(("feed",), "1-64 of a-z, 0-9 and -")]
    if mapping.kind not in KINDS:
        return [(("kind",), f"no kind {mapping.kind!r}; one of {', '.join(KINDS)}")]
    known, found = fields_of(mapping.kind), list[tuple[tuple[Any, ...], str]]()
    for table in ("columns", "times", "constants", "words", "patterns", "composed", "examples"):
        for field in getattr(mapping, table):
            if field not in known:
                found.append(((table, field), f"a {mapping.kind} has no such field; it has {', '.join(known)}"))
    filled = [field for each in mapping.fill_down for field in each]
    for table, fields in (("optional", mapping.optional), ("fill_down", filled), ("record_of", mapping.record_of)):
        found += [((table,), f"no column is named for {each}") for each in fields if each not in known]
    for field, words in mapping.words.items():
        choices = known[field].choices if field in known else ()
        wrong = sorted({ours for ours in words.values() if ours and choices and ours not in choices})
        found += [(("words", field), f"{each!r} is not one of {', '.join(choices)}") for each in wrong]
    if mapping.record_of and list_of(mapping.kind) is None:
        found.append((("record_of",), f"a {mapping.kind} has no list: each of its rows is a record"))
    return found + _wrong_patterns(mapping)


def _wrong_patterns(mapping: SheetMapping) -> list[tuple[tuple[Any, ...], str]]:
    patterns = [(("patterns", field), each) for field, pairs in mapping.patterns.items() for each, _ in pairs]
    if mapping.links is not None:
        links = mapping.links
        every = (links.other, *(each for each, _ in (*links.ways, *links.places)), *links.resolved)
        patterns += [(("links", "other"), each) for each in every]
    found = list[tuple[tuple[Any, ...], str]]()
    for place, each in patterns:
        try:
            re.compile(each)
        except re.error as error:
            found.append((place, f"{each!r} is no regular expression: {error}"))
    return found
