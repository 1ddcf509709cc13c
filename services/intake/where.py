"""Where a record may be made: in a division that is known, and that the sender's token covers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from contracts.divisions import IN_A_GRID, Divisions, Level
from services.chassis.database import Tx
from services.intake.problems import Problem
from services.intake.reading import Reading
from services.intake.store import records

_IN_A_GRID = re.compile(IN_A_GRID)


@dataclass
class Where:
    """The divisions, and the loaded grids as far as they were asked for; a grid is never taken away."""

    divisions: Divisions
    grids: set[str] = field(default_factory=set)

    async def known(self, tx: Tx, codes: Collection[str]) -> set[str]:
        """Those of the codes that may be recorded in: a micro-grid is known where its grid is."""
        grids = {code[: Level.GRID] for code in codes if _IN_A_GRID.fullmatch(code)} - self.grids
        if grids:
            self.grids |= await records.known_grids(tx, grids)
        return {code for code in codes if self._knows(code)}

    def _knows(self, code: str) -> bool:
        if len(code) >= Level.GRID:
            return bool(_IN_A_GRID.fullmatch(code)) and code[: Level.GRID] in self.grids
        return self.divisions.knows(code)

    def wrong_with(self, reading: Reading, known: Collection[str]) -> Iterator[Problem]:
        """Codes nobody knows; and the record's own division where the sender may not record."""
        for field_, code in reading.places:
            if code not in known:
                yield Problem(field_, "unknown_division")
        if reading.places and not reading.sender.may_record(reading.places[0][1]):
            yield Problem("division_code", "beyond_jurisdiction")
