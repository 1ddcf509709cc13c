"""Where a worker may pass a lead on to: the divisions above the own ones, those beside each of them, and those below.

Enough for a phone without a signal; what belongs farther away goes to the county, whose office passes it on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from contracts.divisions import Divisions, Level
from services.chassis.database import Tx
from services.intake.store import records

_TABLED = (Level.VILLAGE, Level.TOWNSHIP, Level.COUNTY)
_UP = {Level.VILLAGE: Level.TOWNSHIP, Level.TOWNSHIP: Level.COUNTY, Level.COUNTY: Level.PREFECTURE}


async def passed_to(tx: Tx, own: Collection[str], divisions: Divisions) -> list[dict[str, Any]]:
    """Code and name of each, in the order of the codes; of grids those that the caller may see."""
    named = {code: divisions.name(code) for each in own for code in _around(each, divisions)}
    for code, name in (await records.grids_in(tx, {each[: Level.VILLAGE] for each in own})).items():
        named[code] = f"{divisions.name(code[: Level.VILLAGE])} {name}"
    return [{"division_code": code, "name": named[code]} for code in sorted(named)]


def _around(own: str, divisions: Divisions) -> Iterator[str]:
    for level in _TABLED:
        above = own[: _UP[level]]
        if len(own) >= level and divisions.knows(above):
            yield from (code for code in divisions.children(above) if len(code) == level)
