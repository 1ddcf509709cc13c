"""The roster of a division in a round: not one household, not one person missed (Notice 003 §2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from services.intake.rules.roster import REACHED, Call, Presence, Register, Resident, Round

T = TypeVar("T", Call, Resident)


class Member(NamedTuple):
    """Somebody who lives in a dwelling. met: in the round that is open; away: the latest word on it, if so."""

    person_id: str
    met: bool
    away: Presence | None


class Household(NamedTuple):
    """reached_at: when it was last reached in the round. attempts: how often it was sought in vain, and why at last."""

    dwelling_id: str
    division_code: str
    members: tuple[Member, ...]
    reached_at: datetime | None
    attempts: int
    last_outcome: str | None

    @property
    def unmet(self) -> tuple[str, ...]:
        """Who lives there and was neither met in the round nor is known to be away."""
        return tuple(each.person_id for each in self.members if not each.met and each.away is None)

    @property
    def missing(self) -> bool:
        """Whether the round still owes it a visit."""
        return self.reached_at is None or bool(self.unmet)


@dataclass(frozen=True)
class Told:
    """What the records of a division tell; in an exercise its own entries count beside the true roster."""

    calls: Sequence[Call]
    residents: Sequence[Resident]
    registers: Sequence[Register]
    presences: Sequence[Presence]


def households(dwellings: Mapping[str, str], told: Told, open_round: Round | None) -> list[Household]:
    """Every dwelling in which somebody lives, or nobody is known not to. dwellings: id -> grid."""
    drill = open_round is not None and open_round.drill
    calls = _by_dwelling(each for each in told.calls if open_round and _of_round(each, open_round))
    residents = _by_dwelling(each for each in told.residents if each.drill <= drill)
    registers = _latest_registers(told.registers, drill)
    met = {(each.dwelling_id, each.person_id) for each in told.residents if open_round and _met_in(each, open_round)}
    away = _away(told.presences, drill)
    answer = []
    for dwelling_id, division in dwellings.items():
        register = registers.get(dwelling_id)
        people = living_there(residents[dwelling_id], register)
        if register is not None and not register.lived_in and not people:
            continue
        members = tuple([Member(each, (dwelling_id, each) in met, away.get(each)) for each in people])
        answer.append(Household(dwelling_id, division, members, *_sought(calls[dwelling_id])))
    return answer


def _sought(calls: Sequence[Call]) -> tuple[datetime | None, int, str | None]:
    """When it was last reached, how often it was sought in vain, and why at last."""
    if not calls:
        return None, 0, None
    reached = [each.called_at for each in calls if each.outcome == REACHED]
    vain = sorted((each.called_at, each.outcome) for each in calls if each.outcome != REACHED)
    return max(reached, default=None), len(vain), vain[-1][1] if vain else None


def _of_round(call: Call, open_round: Round) -> bool:
    return call.round_id == open_round.round_id and call.drill == open_round.drill


def _met_in(resident: Resident, open_round: Round) -> bool:
    return resident.round_id == open_round.round_id and resident.drill == open_round.drill


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


def _latest_registers(registers: Iterable[Register], drill: bool) -> dict[str, Register]:
    ordered = sorted((each.registered_at, each.record_id, each) for each in registers if each.drill <= drill)
    return {each.dwelling_id: each for _, _, each in ordered}


def _away(presences: Iterable[Presence], drill: bool) -> dict[str, Presence]:
    """Of each person the latest word counts."""
    ordered = sorted((each.since_at, each.record_id, each) for each in presences if each.drill <= drill)
    latest = {each.person_id: each for _, _, each in ordered}
    return {person: each for person, each in latest.items() if each.state == "away"}


def _by_dwelling(rows: Iterable[T]) -> defaultdict[str, list[T]]:
    answer = defaultdict[str, list[T]](list)
    for each in rows:
        answer[each.dwelling_id].append(each)
    return answer
