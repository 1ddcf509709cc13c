"""A file as a table of cells, whatever it was written by; and what a file is refused for as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple

from services.chassis.errors import GridwardError
from services.intake.problems import Language, Problem
from services.intake.rules.when import Epoch

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 100_000, 400, 3_000_000
LARGEST_FILE = 32 * 1024 * 1024


class Formula(NamedTuple):
    """A cell that is worked out; what it showed last is not what anybody wrote."""

    shown: object


Cell = str | int | float | bool | datetime | date | time | timedelta | Formula | None
Row = list[Cell]


class SheetRefused(GridwardError):
    """Nothing of the file was taken; the problem says why, and what would be right."""

    def __init__(self, code: str, **params: str | int) -> None:
        self.problem = Problem("", code, params)
        super().__init__(self.told("en"))

    def told(self, language: Language) -> str:
        """One line of text."""
        told = self.problem.told(language)
        return f"{told['why']} -> {told['would_be_right']}"


@dataclass(frozen=True)
class Form:
    """How the file was written, so that rejected rows go back alike."""

    kind: Literal["xlsx", "csv"]
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str = "Sheet1"
    epoch: Epoch = 1900

    @property
    def suffix(self) -> str:
        """Of a file's name."""
        return ".xlsx" if self.kind == "xlsx" else ".tsv" if self.delimiter == "\t" else ".csv"

    @property
    def media_type(self) -> str:
        if self.kind == "xlsx":
            return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return f"text/{'tab-separated-values' if self.delimiter == chr(9) else 'csv'}"


@dataclass(frozen=True)
class Table:
    """rows as they stand. merged: (first row, first column, last row, last column), from 0.

    broken: why the rows end where they do, if this is not the end of the file.
    """

    form: Form
    rows: list[Row]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    broken: SheetRefused | None = None


def is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: Cell) -> object:
    """What a person sees in the cell."""
    return cell.shown if isinstance(cell, Formula) else cell
