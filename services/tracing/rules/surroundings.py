"""All that the derivation of one person may read: the facts that stand (none withdrawn), neighbours, adoptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import ContactWay
from contracts.events.quarantine import Measure, Mode
from contracts.events.testing import Result
from contracts.policy import Adoption


@dataclass(frozen=True, slots=True)
class Classified:
    """event_time: of the revision that stands; said_since: when it was first received that there is a case, or none.

    A correction of the hour, or of a suspected case to a confirmed one, leaves said_since where it was.
    """

    statement_id: str
    classification: Classification
    classified_at: datetime
    event_time: datetime
    said_since: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    statement_id: str
    found_at: datetime
    found_how: FoundHow
    onset_at: datetime | None


@dataclass(frozen=True, slots=True)
class Test:
    """One person's own sample."""

    statement_id: str
    sampled_at: datetime
    resulted_at: datetime
    result: Result


@dataclass(frozen=True, slots=True)
class PositiveTube:
    """A pooled tube with this person in it, whose latest result is positive."""

    tube_id: str
    resulted_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """ended_at: the earliest end that a person with the post has stated, if any."""

    order_id: str
    served_at: datetime
    measures: tuple[Measure, ...]
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Placement:
    placement_id: str
    mode: Mode
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """A meeting, seen from the person who is derived; other_id is the neighbour."""

    statement_id: str
    other_id: str
    way: ContactWay
    first_at: datetime
    last_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class CasePart:
    """What others may read of a case: the reference instant, the isolation, when it was first known to be a case."""

    reference_at: datetime
    isolated_at: datetime | None
    known_at: datetime


@dataclass(frozen=True, slots=True)
class ClosePart:
    """What others may read of a close contact who is not a case: of one matter, from quarantine to quarantine.

    first_at: first counted exposure; until_at: placed from then on; first_tests_negative: the first two since first_at.
    """

    first_at: datetime
    until_at: datetime | None
    found_at: datetime
    first_tests_negative: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """All that one person's derivation may read of another.

    close: a part for each matter, as they came. close_without: as they would be without the exposures to one case, for
    each case that matters to them.
    """

    case: CasePart | None = None
    close: tuple[ClosePart, ...] = ()
    close_without: Mapping[str, tuple[ClosePart, ...]] = field(default_factory=dict)

    def close_for(self, person_id: str) -> tuple[ClosePart, ...]:
        """The close parts as that person sees it: nobody is a contact by way of his own illness."""
        return self.close_without.get(person_id, self.close)


NOBODY = Neighbour()
"""Neither a case nor a close contact: of such a one nothing is read."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One person with everything around. exposures name others only; neighbours has those that are something."""

    person_id: str
    division_code: str
    classifications: tuple[Classified, ...] = ()
    findings: tuple[Finding, ...] = ()
    tests: tuple[Test, ...] = ()
    positive_tubes: tuple[PositiveTube, ...] = ()
    orders: tuple[Order, ...] = ()
    placements: tuple[Placement, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    neighbours: Mapping[str, Neighbour] = field(default_factory=dict)
    adoptions: tuple[Adoption, ...] = ()
