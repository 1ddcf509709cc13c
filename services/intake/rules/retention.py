"""Who is still needed: whom records name, whose measures still run, whom somebody still has to find or help.

Retention counts from the last record about a person. A placement or an order that still runs holds the person, and so
does a lead that is not closed or a need that is not met, until an edition ends the measure: its placements end with it,
and retention starts counting (Design, Rights).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from contracts.events.leads import LeadClosed, LeadReceived
from contracts.events.needs import NeedAsked, NeedMet
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


class Asked:
    """Leads and needs as they are told, in any order, and whom those name that nobody has closed or met.

    Whom a lead named by mistake as well: nothing could follow it once its record went with that one.
    """

    def __init__(self) -> None:
        self._named: dict[str, set[str]] = {}
        self._over: set[str] = set()

    def tell(self, sayings: Sequence[Saying], named_besides: Collection[str]) -> None:
        for _, fact in sayings:
            match fact:
                case LeadReceived():
                    self._named[fact.lead_id] = {fact.person_id, *named_besides}
                case NeedAsked():
                    self._named[fact.need_id] = {fact.person_id}
                case LeadClosed():
                    self._over.add(fact.lead_id)
                case NeedMet():
                    self._over.add(fact.need_id)

    def held(self) -> set[str]:
        """Who is sought, or waits for something."""
        return {each for asked, named in self._named.items() if asked not in self._over for each in named}


def hold(cutoff: datetime, measures_ended_at: datetime | None) -> bool:
    """Whether what still runs keeps the person: unless an edition ended the measures before the days began."""
    return measures_ended_at is None or measures_ended_at >= cutoff
