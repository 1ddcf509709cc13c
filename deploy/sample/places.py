"""Jiaxing's real divisions, and the grids made beneath them (a grid's code is its village's and three digits)."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CITY, PROVINCE, HEART = "3304", "33", "330421"
"""Jiaxing, Zhejiang, and Jiashan, where the outbreak begins."""
TABLE = Path(__file__).parents[2] / "contracts" / "data" / "divisions.csv.xz"
_COUNTY, _TOWNSHIP, _VILLAGE = 6, 9, 12
_URBAN_BELOW, _URBAN_WEIGHT = 200, 1.6
"""The last three digits of a residents' committee are below 200 (domain §6); towns have more grids."""


@dataclass(frozen=True)
class Places:
    """Codes and names, in the order of the codes. names holds every division from the province to the grids."""

    names: Mapping[str, str]
    counties: tuple[str, ...]
    townships: tuple[str, ...]
    villages: tuple[str, ...]
    grids: tuple[str, ...]

    def write_grids(self, file: Path) -> None:
        """A CSV file `code,name`, as the divisions take it."""
        with file.open("w", encoding="utf-8", newline="") as out:
            rows = csv.writer(out, lineterminator="\n")
            rows.writerow(("code", "name"))
            rows.writerows((code, self.names[code]) for code in self.grids)


@cache
def load_places(grids: int) -> Places:
    """The city with so many grids; each village has at least one."""
    rows = (line.split(",", 1) for line in lzma.decompress(TABLE.read_bytes()).decode().splitlines())
    names = {code: name for code, name in rows if code.startswith(CITY) or code == PROVINCE}

    def of_length(length: int) -> tuple[str, ...]:
        return tuple(sorted(code for code in names if len(code) == length))

    villages = of_length(_VILLAGE)
    made = _make_grids(villages, names, grids)
    return Places(names | made, of_length(_COUNTY), of_length(_TOWNSHIP), villages, tuple(made))


def _make_grids(villages: tuple[str, ...], names: Mapping[str, str], grids: int) -> dict[str, str]:
    """One grid each, the others by weight and largest remainder."""
    weights = [_URBAN_WEIGHT if int(code[-3:]) < _URBAN_BELOW else 1.0 for code in villages]
    share = (grids - len(villages)) / sum(weights)
    numbers = [1 + int(weight * share) for weight in weights]
    by_remainder = sorted(range(len(villages)), key=lambda at: (-(weights[at] * share % 1), at))
    for at in by_remainder[: grids - sum(numbers)]:
        numbers[at] += 1
    return {
        f"{village}{n:03d}": f"{names[village]}第{n}网格"
        for village, number in zip(villages, numbers, strict=True)
        for n in range(1, number + 1)
    }
