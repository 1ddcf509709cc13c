"""Who is still needed: whom records name, whose measures still run, and until when a record is one about somebody.

Retention counts from the last record about a person. A placement or an order that still runs holds the person, until an
edition ends the measure: its placements end with it, and retention starts counting (Design, Rights).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from contracts.events.leads import LeadClosed, LeadReceived
from contracts.events.quarantine import PlacementEnded, PlacementStarted, QuarantineEnded, QuarantineOrdered
from services.intake.rules.statements import Saying


class Measures:
    """Placements and orders as they are told, in any order, and whom they hold at the end."""

    def __init__(self) -> None:
        self._placed: dict[str, str] = {}
        self._ordered: dict[str, tuple[str, datetime]] = {}
        self._over: set[str] = set()

    def tell(self, sayings: Sequence[Saying]) -> None:
        for _, fact in sayings:
            match fact:
                case PlacementStarted():
                    self._placed[fact.placement_id] = fact.person_id
                case PlacementEnded():
                    self._over.add(fact.placement_id)
                case QuarantineOrdered():
                    self._ordered[fact.order_id] = fact.person_id, max(each.until_at for each in fact.measures)
                case QuarantineEnded():
                    self._over.add(f"order {fact.order_id}")

    def held(self, now: datetime) -> set[str]:
        """Persons who are placed, or under an order whose last day has not come, and neither was ended."""
        placed = {person for placement, person in self._placed.items() if placement not in self._over}
        return placed | {
            person
            for order, (person, until_at) in self._ordered.items()
            if until_at > now and f"order {order}" not in self._over
        }


class Leads:
    """Leads that named somebody else before: nothing could follow them once the record went with that one."""

    def __init__(self) -> None:
        self._besides: dict[str, Collection[str]] = {}
        self._closed: set[str] = set()

    def tell(self, sayings: Sequence[Saying], named_besides: Collection[str]) -> None:
        for _, fact in sayings:
            match fact:
                case LeadReceived() if named_besides:
                    self._besides[fact.lead_id] = named_besides
                case LeadClosed():
                    self._closed.add(fact.lead_id)

    def held(self) -> set[str]:
        """Whom leads that nobody has closed named before."""
        return {each for lead, named in self._besides.items() if lead not in self._closed for each in named}


def hold(cutoff: datetime, measures_ended_at: datetime | None) -> bool:
    """Whether a measure that still runs keeps the person: unless an edition ended it before the days began."""
    return measures_ended_at is None or measures_ended_at >= cutoff
