"""The roster of a division in a round: not one household, not one person missed (Notice 003 §2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.intake.rules.roster import Presence, Register, Resident


class Household(NamedTuple):
    """people: who lives there. met: those of them who were met in the round that is open.

    reached_at: when it was last reached in the round. attempts: how often it was sought in vain, and why at last.
    away: everybody of the division who is away, by the latest word on it.
    """

    dwelling_id: str
    division_code: str
    people: Sequence[str]
    met: Collection[str]
    reached_at: datetime | None
    attempts: int
    last_outcome: str | None
    away: Mapping[str, Presence]

    @property
    def unmet(self) -> tuple[str, ...]:
        """Who lives there and was neither met in the round nor is known to be away."""
        return tuple([each for each in self.people if each not in self.met and each not in self.away])

    @property
    def missing(self) -> bool:
        """Whether the round still owes it a visit."""
        return self.reached_at is None or bool(self.unmet)


def living_there(residents: Iterable[Resident], register: Register | None) -> list[str]:
    """Who stands in the latest register, and whoever was met there after it."""
    if register is not None:
        since = register.registered_at
        residents = [
            each
            for each in residents
            if each.record_id == register.record_id or (each.round_id and each.since_at > since)
        ]
    return sorted({each.person_id for each in residents})
