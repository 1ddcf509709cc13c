"""Codes of divisions, their names, and the two trees in which figures are summed.

A code has 2, 4, 6, 9, 12 or 15 characters: province, prefecture, county, township, village or community, grid.
A longer code is a micro-grid: its first 15 characters are its grid. Data and licence: `contracts/data/README.md`.

`STATUTORY` is the state's tree. In `REPORTING` a functional area (a development zone) stands beside its districts
and takes townships or villages out of them. Every code has one parent in each tree, so a division's figure is always
the sum of its children and what is recorded at the division itself.

    DivisionError
      MalformedCodeError     no division can have this code
      UnknownDivisionError   well formed, but in no table that was loaded
      BadRowsError           a file of grids or functional areas; `problems` has one line for each wrong row
"""

from __future__ import annotations

import csv
import lzma
import re
from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from contracts.code_table import CodeTable

DATA = Path(__file__).parent / "data"
LATEST = "2023-06-30"
EDITIONS = {LATEST: DATA / "divisions.csv.xz"}
FUNCTIONAL_AREAS = DATA / "functional_areas.csv"


class Level(IntEnum):
    """Level of a division; its value is the length of the code, in characters."""

    PROVINCE = 2
    PREFECTURE = 4
    COUNTY = 6
    TOWNSHIP = 9
    VILLAGE = 12
    GRID = 15


class Tree(StrEnum):
    STATUTORY = "statutory"
    REPORTING = "reporting"


STATUTORY, REPORTING = Tree.STATUTORY, Tree.REPORTING
_UP: dict[int, int] = {low: high for high, low in pairwise(Level)}
_AREA_CODE = re.compile(r"[0-9]{4}[A-Z][0-9]")
_GRID_CODE = re.compile(rf"[0-9]{{{Level.GRID}}}")


class Area(NamedTuple):
    """A functional area and the township or village codes that it takes."""

    name: str
    takes: tuple[str, ...]


class DivisionError(ValueError):
    pass


class MalformedCodeError(DivisionError):
    def __init__(self, code: str) -> None:
        lengths = ", ".join(f"{level.value} ({level.name.lower()})" for level in Level)
        super().__init__(f"{code!r} is no division's code: it has {len(code)} characters; write one of {lengths}")


class UnknownDivisionError(DivisionError, LookupError):
    def __init__(self, code: str, edition: str) -> None:
        mend = "load its grid with with_grids()" if len(code) == Level.GRID else "correct it or load a later edition"
        super().__init__(f"division {code!r} is not in the edition {edition}: {mend}")


class BadRowsError(DivisionError):
    def __init__(self, what: str, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join((f"{len(self.problems)} rows of {what} are wrong; none was taken:", *self.problems)))


class Divisions:
    """An edition of the divisions and the grids and functional areas added to it. Immutable; its table is shared."""

    def __init__(self, edition: str, table: CodeTable, grids: CodeTable, areas: Mapping[str, Area]) -> None:
        """Use `load()`, `with_grids()` and `with_areas()`."""
        self.edition = edition
        self._table = table
        self._grids = grids
        self._areas = dict(areas)
        self._taken = {code: area for area, (_, takes) in areas.items() for code in takes}
        self._line_above = lru_cache(maxsize=65_536)(self.ancestors)

    @classmethod
    def load(cls, edition: str = LATEST) -> Divisions:
        """The edition and the functional areas shipped, read once a process. Raises DivisionError: no such edition."""
        return _load(edition)

    def __len__(self) -> int:
        return len(self._table) + len(self._grids)

    def knows(self, code: str) -> bool:
        return self._find(code) is not None

    def name(self, code: str) -> str:
        """Raises UnknownDivisionError."""
        found = self._find(code)
        if found is None:
            raise UnknownDivisionError(code, self.edition)
        return found

    def level(self, code: str) -> Level:
        """By length alone, so also for a grid that is not known. Raises MalformedCodeError."""
        try:
            return Level(len(code))
        except ValueError:
            raise MalformedCodeError(code) from None

    def parent(self, code: str, tree: Tree) -> str | None:
        """Next division up, None above a province. Raises MalformedCodeError."""
        if tree is REPORTING and code in self._taken:
            return self._taken[code]
        if len(code) in _UP:
            return code[: _UP[len(code)]]
        if len(code) > Level.GRID:
            return code[: Level.GRID]
        if len(code) != Level.PROVINCE:
            raise MalformedCodeError(code)
        return None

    def ancestors(self, code: str, tree: Tree) -> tuple[str, ...]:
        """The code itself, then each division above it up to the province; by prefix, so the code need not be known.

        A functional area is no division of the statutory tree: there, what is recorded at the area itself counts at
        its prefecture, and the line begins with the prefecture. Raises MalformedCodeError.
        """
        parent = self.parent(code, tree)
        if parent is None:
            return (code,)
        above = self._line_above(parent, tree)
        return above if tree is STATUTORY and code in self._areas else (code, *above)

    def covers(self, ancestor: str, code: str, tree: Tree) -> bool:
        """Whether what happens in `code` is counted in `ancestor`; a division covers itself."""
        return ancestor in self.ancestors(code, tree)

    def taken_by(self, area: str) -> tuple[str, ...]:
        """The townships and villages that a functional area takes; nothing for any other code."""
        return self._areas[area].takes if area in self._areas else ()

    def children(self, code: str, tree: Tree = STATUTORY) -> tuple[str, ...]:
        """Divisions whose parent in the tree is `code`, in order. Raises UnknownDivisionError."""
        self.name(code)
        below = set((self._grids if len(code) == Level.VILLAGE else self._table).below(code))
        if tree is REPORTING:
            below -= self._taken.keys()
            below |= {area for area in self._areas if self.parent(area, tree) == code}
            below |= {taken for taken, area in self._taken.items() if area == code}
        return tuple(sorted(below))

    def path(self, code: str, tree: Tree = STATUTORY) -> tuple[str, ...]:
        """Names from the province down to the division itself. Raises UnknownDivisionError."""
        own = self.name(code)
        return (*(self.name(above) for above in reversed(self.ancestors(code, tree)) if above != code), own)

    def with_grids(self, rows: Iterable[Mapping[str, str]]) -> Divisions:
        """These divisions and the grids of a CSV file `code,name` (`csv.DictReader`); a grid already known is renamed.

        Raises BadRowsError, with the file's line numbers (the header is line 1).
        """
        problems, added = [], dict[str, str]()
        for number, row in enumerate(rows, 2):
            code, name = (row.get("code") or "").strip(), (row.get("name") or "").strip()
            wrong = f"{code} stands twice: remove one" if code in added else self.wrong_with_grid(code, name)
            problems += [f"line {number}: {wrong}"] if wrong else []
            added[code] = name
        if problems:
            raise BadRowsError("grids", problems)
        return Divisions(self.edition, self._table, CodeTable.of(self._grids.names() | added), self._areas)

    def with_areas(self, rows: Iterable[Mapping[str, str]]) -> Divisions:
        """These divisions and the areas of a file like `functional_areas.csv`. Raises BadRowsError, as with_grids."""
        problems, areas, taken = [], dict(self._areas), set(self._taken)
        for number, row in enumerate(rows, 2):
            code, takes = row["code"], row["takes"]
            wrong = "" if takes not in taken else f"{takes} is taken already: remove one of the rows"
            wrong = wrong or self._wrong_area(code, takes, row["parent"])
            problems += [f"line {number}: {wrong}"] if wrong else []
            areas[code] = Area(row["name"], (*areas[code].takes, takes) if code in areas else (takes,))
            taken.add(takes)
        if problems:
            raise BadRowsError("functional areas", problems)
        return Divisions(self.edition, self._table, self._grids, areas)

    def wrong_with_grid(self, code: str, name: str) -> str:
        """Why a grid cannot be added, in words; "" when it can."""
        village = code[: Level.VILLAGE]
        if not _GRID_CODE.fullmatch(code):
            return (
                f"the code {code!r} is not {Level.GRID} digits: write the village's code and three digits of the grid"
            )
        if not self.knows(village):
            return f"{code} lies in no village: {village} is not in the edition {self.edition}; correct those digits"
        return "" if len(name.splitlines()) == 1 else f"{code} needs a name of one line: fill in the column name"

    def _find(self, code: str) -> str | None:
        if code in self._areas:
            return self._areas[code].name
        return (self._grids if len(code) == Level.GRID else self._table).name(code)

    def _wrong_area(self, code: str, takes: str, parent: str) -> str:
        if not _AREA_CODE.fullmatch(code) or code[: Level.PREFECTURE] != parent or not self.knows(parent):
            return (
                f"the code {code!r} must be its prefecture's four digits (column parent), a capital letter and a digit"
            )
        if len(takes) not in (Level.TOWNSHIP, Level.VILLAGE) or not takes.startswith(parent) or not self.knows(takes):
            return f"{code} cannot take {takes!r}: write the code of a township or village of {parent}"
        return ""


IN_A_GRID = "[0-9]{15}[0-9A-Za-z._-]{0,9}"
"""A grid, or a micro-grid of it. Ranges of codes end with "~": whatever sorts above it would lie in no grid."""


def lies_in(code: str, bounds: Iterable[str]) -> bool:
    """Whether a division is one of these or lies below it, by its code; nothing lies below a micro-grid.

    So "…001-10" is no part of "…001-1", however it begins.
    """
    return any(code == each or (len(each) <= Level.GRID and code.startswith(each)) for each in bounds)


@cache
def _load(edition: str) -> Divisions:
    if edition not in EDITIONS:
        raise DivisionError(f"no edition {edition!r} of the divisions: choose one of {', '.join(EDITIONS)}")
    table = CodeTable(lzma.decompress(EDITIONS[edition].read_bytes()))
    with FUNCTIONAL_AREAS.open(encoding="utf-8", newline="") as rows:
        return Divisions(edition, table, CodeTable.of({}), {}).with_areas(csv.DictReader(rows))
