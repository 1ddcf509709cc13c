"""Facts as intake says them, with sensible defaults: A falls ill in March 2022 (ed. 8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.envelope import Event, Fact, say
from contracts.events.cases import CaseClassified, CaseFound, Classification, FoundHow
from contracts.events.contacts import ContactWay, ExposureNamed
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import (
    Measure,
    Mode,
    PlacementEnded,
    PlacementStarted,
    QuarantineEnded,
    QuarantineOrdered,
)
from contracts.events.testing import Member, Result, TestResulted, TubeResulted, TubeSampled
from contracts.policy import SHANGHAI

HOME = "330421101001001"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def at(day: float, hour: float = 0) -> datetime:
    """An instant of March 2022 (ed. 8), in Shanghai."""
    return datetime(2022, 3, 1, tzinfo=SHANGHAI) + DAY * (day - 1) + HOUR * hour


FOUND_AT, MET_AT, TUBE_AT, RESULT_AT, SERVED_AT = at(5, 8), at(5, 6), at(5), at(5, 6), at(6)


def heard(fact: Fact, received_at: datetime, division: str = HOME, *, drill: bool = False) -> Event[Fact]:
    return say(fact, source="intake", time=received_at, division=division, cause="record", drill=drill)


def a_classification(
    person: str, now: Classification = Classification.CONFIRMED, *, made: datetime = FOUND_AT, n: int = 1, **more: Any
) -> CaseClassified:
    return CaseClassified(
        statement_id=f"class:{person}:{n}", person_id=person, classification=now, classified_at=made, **more
    )


def a_finding(person: str, *, found: datetime = FOUND_AT, onset: datetime | None = None, **more: Any) -> CaseFound:
    return CaseFound(
        statement_id=f"found:{person}",
        person_id=person,
        classification=Classification.CONFIRMED,
        found_at=found,
        found_how=FoundHow.MASS_TESTING,
        onset_at=onset,
        institution="hospital-1",
        **more,
    )


def an_exposure(
    person: str,
    other: str,
    *,
    first: datetime = MET_AT,
    last: datetime | None = None,
    way: ContactWay = ContactWay.DINED,
    n: int = 1,
    **more: Any,
) -> ExposureNamed:
    return ExposureNamed(
        statement_id=f"met:{person}:{other}:{n}",
        person_id=person,
        other_id=other,
        other_division_code=HOME,
        way=way,
        first_at=first,
        last_at=last or first + HOUR,
        **more,
    )


def a_test(
    person: str, sampled: datetime, result: Result = Result.NEGATIVE, *, n: int = 1, **more: Any
) -> TestResulted:
    return TestResulted(
        statement_id=f"test:{person}:{n}",
        person_id=person,
        sampled_at=sampled,
        resulted_at=sampled + 6 * HOUR,
        result=result,
        **more,
    )


def a_tube(
    tube: str, members: Sequence[str], sampled: datetime = TUBE_AT, *, division: str = HOME, **more: Any
) -> TubeSampled:
    people = tuple(Member(person_id=person, division_code=division) for person in members)
    return TubeSampled(statement_id=f"tube:{tube}", tube_id=tube, sampled_at=sampled, members=people, **more)


def a_tube_result(
    tube: str, result: Result = Result.POSITIVE, resulted: datetime | None = None, *, n: int = 1, **more: Any
) -> TubeResulted:
    return TubeResulted(
        statement_id=f"result:{tube}:{n}", tube_id=tube, resulted_at=resulted or at(5, 6), result=result, **more
    )


def an_order(
    person: str, *, served: datetime = SERVED_AT, measures: Sequence[Measure] = (), n: int = 1, **more: Any
) -> QuarantineOrdered:
    usual = Measure(mode=Mode.CENTRAL_QUARANTINE, from_at=served, until_at=served + 14 * DAY)
    return QuarantineOrdered(
        statement_id=f"order:{person}:{n}",
        person_id=person,
        order_id=f"o-{person}-{n}",
        office="county-cdc",
        decider="post-7",
        legal_basis="Law on infectious diseases, art. 39",
        document="2022-17",
        reason="You were with a person who is ill.",
        served_at=served,
        measures=tuple(measures) or (usual,),
        **more,
    )


def an_end(person: str, ended: datetime, *, n: int = 1, **more: Any) -> QuarantineEnded:
    return QuarantineEnded(
        statement_id=f"end:{person}:{n}",
        person_id=person,
        order_id=f"o-{person}-{n}",
        decider="post-7",
        ended_at=ended,
        **more,
    )


def a_placement(
    person: str, started: datetime, mode: Mode = Mode.CENTRAL_QUARANTINE, *, n: int = 1, **more: Any
) -> PlacementStarted:
    return PlacementStarted(
        statement_id=f"place:{person}:{n}",
        person_id=person,
        placement_id=f"p-{person}-{n}",
        mode=mode,
        site_id="site-1",
        started_at=started,
        **more,
    )


def a_leaving(person: str, ended: datetime, *, n: int = 1, **more: Any) -> PlacementEnded:
    return PlacementEnded(
        statement_id=f"left:{person}:{n}", person_id=person, placement_id=f"p-{person}-{n}", ended_at=ended, **more
    )


def an_adoption(division: str, rule: str = "contact_lookback", **more: Any) -> PolicyAdopted:
    return PolicyAdopted(
        statement_id=f"adopted:{division}:{rule}",
        jurisdiction_code=division,
        rule=rule,
        adopted_from=at(1),
        decided_by="post-1",
        document="2022-3",
        **more,
    )
