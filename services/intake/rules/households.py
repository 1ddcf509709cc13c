"""The roster of a division in a round: not one household, not one person missed (Notice 003 §2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.persons import Merged
from services.intake.rules.roster import AWAY, Presence, Register, Resident


class Household(NamedTuple):
    """people: who lives there. met: those of them who were met in the round that is open.

    reached_at: when it was last reached in the round. attempts: how often it was sought in vain, and why at last.
    away: everybody of the division who is away, by the latest word on it (`whereabouts`).
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


def as_one(home: Household, merged: Merged) -> Household:
    """Whoever is there under several ids once: under the one that is kept if it is there, else under the first."""
    shown: dict[str, str] = {}
    for who in sorted(home.people, key=lambda who: who != merged.kept(who)):
        shown.setdefault(merged.kept(who), who)
    met = {merged.kept(who) for who in home.met}
    people = sorted(shown.values())
    return home._replace(people=people, met=[who for who in people if merged.kept(who) in met])


def whereabouts(
    said: Iterable[Presence], met_at: Mapping[str, datetime], merged: Merged, now: datetime
) -> dict[str, Presence]:
    """Who is away, under each of his or her ids, by the latest word under any of them.

    Away ends when the person is met in a round, and when the day to be back has come: from then on the round owes him
    or her a visit again. met_at: person -> when last met.
    """
    latest: dict[str, Presence] = {}
    for each in sorted(said, key=lambda one: (one.since_at, one.record_id)):
        latest[merged.kept(each.person_id)] = each
    back = {who for each, at in met_at.items() if (who := merged.kept(each)) in latest and latest[who].since_at < at}
    away = (each for who, each in latest.items() if who not in back and _is_away(each, now))
    return {who: each for each in away for who in merged.all_of(each.person_id)}


def _is_away(said: Presence, now: datetime) -> bool:
    return said.state == AWAY and (said.back_at is None or said.back_at > now)


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
