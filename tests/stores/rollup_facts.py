"""Events for rollup's tests: made one by one, or drawn by Hypothesis so that they meet on a subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from contracts.envelope import Event, say
from contracts.events.canvassing import CaseScreened
from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import Standing
from contracts.events.deadlines import DeadlineJudged, Line, Verdict
from contracts.events.people import PersonsMerged
from contracts.events.quarantine import Care, EpisodeChanged
from contracts.events.testing import Member, TubeSampled

T0 = datetime(2022, 3, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Two grids of one village, a village that the functional area 3304J1 takes, the area itself, a county, a province.
PLACES = ("330402007001001", "330402007001002", "330402012001001", "330402012001", "3304J1", "330411", "33")


def a_screening(
    statement: str = "s1",
    revision: int = 1,
    *,
    person: str = "p1",
    round_id: str = "r1",
    at: datetime = T0,
    time: datetime | None = None,
    division: str = PLACES[0],
    celsius: float = 36.6,
    withdrawn: bool = False,
    drill: bool = False,
) -> Event[Any]:
    fact = CaseScreened(
        statement_id=statement,
        revision=revision,
        withdrawn=withdrawn,
        person_id=person,
        dwelling_id="d1",
        round_id=round_id,
        screened_at=at,
        temperature_celsius=celsius,
    )
    return say(fact, source="intake", time=time or at, division=division, drill=drill)


def an_episode(
    person: str = "p1",
    revision: int = 1,
    *,
    classification: Classification | None = Classification.CONFIRMED,
    care: Care = Care.NONE,
    how: FoundHow | None = FoundHow.CANVASSING,
    at: datetime = T0,
    time: datetime | None = None,
    division: str = PLACES[0],
    withdrawn: bool = False,
) -> Event[Any]:
    fact = EpisodeChanged(
        statement_id=f"episode:{person}",
        revision=revision,
        withdrawn=withdrawn,
        person_id=person,
        category=None,
        classification=classification,
        found_how=how,
        classified_at=at,
        care=care,
        care_since_at=at,
    )
    return say(fact, source="tracing", time=time or at, division=division)


def a_tube(
    statement: str,
    revision: int,
    members: Sequence[tuple[str, str]],
    *,
    at: datetime,
    division: str,
    time: datetime | None = None,
    withdrawn: bool = False,
) -> Event[Any]:
    fact = TubeSampled(
        statement_id=statement,
        revision=revision,
        withdrawn=withdrawn,
        tube_id=f"tube-{statement}",
        sampled_at=at,
        members=tuple(Member(person_id=person, division_code=code) for person, code in members),
    )
    return say(fact, source="intake", time=time or at, division=division)


def a_verdict(
    person: str,
    revision: int,
    verdict: Verdict,
    *,
    at: datetime,
    division: str,
    standing: Standing = Standing.IN_FORCE,
    time: datetime | None = None,
) -> Event[Any]:
    fact = DeadlineJudged(
        statement_id=f"clock:report:{person}",
        revision=revision,
        person_id=person,
        clock_id=f"c-{person}",
        deadline="report.case.direct",
        line=Line.HEALTH,
        verdict=verdict,
        started_at=at,
        due_at=at + 2 * HOUR,
        stopped_at=None,
        edition="covid-ed8",
        standing=standing,
    )
    return say(fact, source="alerts", time=time or at, division=division)


def a_merge(
    statement: str = "m1",
    revision: int = 1,
    *,
    kept: str = "p1",
    other: str = "p2",
    time: datetime = T0,
    withdrawn: bool = False,
    drill: bool = False,
) -> Event[Any]:
    fact = PersonsMerged(
        statement_id=statement,
        revision=revision,
        withdrawn=withdrawn,
        person_id=kept,
        other_id=other,
        decided_at=time,
        decided_by="post-1",
    )
    return say(fact, source="intake", time=time, division=PLACES[0], drill=drill)


_moments = st.integers(0, 60).map(lambda hours: T0 + hours * HOUR)
_persons = st.sampled_from(["p1", "p1", "p2", "p3"])
_places = st.sampled_from(PLACES)
_withdrawn = st.sampled_from([False, False, False, True])
_seldom = st.sampled_from([False, False, False, False, True])


def _screenings(name: str, revision: int) -> st.SearchStrategy[Event[Any]]:
    return st.builds(
        a_screening,
        st.just(name),
        st.just(revision),
        person=_persons,
        at=_moments,
        time=_moments,
        division=_places,
        celsius=st.sampled_from([36.6, 38.0]),
        withdrawn=_withdrawn,
        drill=_seldom,
    )


def _episodes(person: str, revision: int) -> st.SearchStrategy[Event[Any]]:
    return st.builds(
        an_episode,
        st.just(person),
        st.just(revision),
        classification=st.sampled_from([None, *Classification]),
        care=st.sampled_from(list(Care)),
        how=st.sampled_from([None, *FoundHow]),
        at=_moments,
        time=_moments,
        division=_places,
        withdrawn=_withdrawn,
    )


def _tubes(name: str, revision: int) -> st.SearchStrategy[Event[Any]]:
    members = st.lists(st.tuples(_persons, _places), min_size=1, max_size=4)
    return st.builds(
        a_tube,
        st.just(name),
        st.just(revision),
        members,
        at=_moments,
        time=_moments,
        division=_places,
        withdrawn=_withdrawn,
    )


def _verdicts(person: str, revision: int) -> st.SearchStrategy[Event[Any]]:
    return st.builds(
        a_verdict,
        st.just(person),
        st.just(revision),
        st.sampled_from(list(Verdict)),
        at=_moments,
        time=_moments,
        division=_places,
        standing=st.sampled_from(list(Standing)),
    )


def _merges(pair: str, revision: int) -> st.SearchStrategy[Event[Any]]:
    kept, other = pair.split("<")
    withdrawn = st.just(revision % 2 == 0)
    return st.builds(
        a_merge,
        st.just(pair),
        st.just(revision),
        kept=st.just(kept),
        other=st.just(other),
        time=_moments,
        withdrawn=withdrawn,
        drill=_seldom,
    )


_STATEMENTS = [
    *((_screenings, name) for name in ("s1", "s2", "s3", "s4")),
    (_tubes, "t1"),
    (_episodes, "p1"),
    (_episodes, "p2"),
    (_verdicts, "p1"),
    (_merges, "p1<p2"),
    (_merges, "p3<p1"),
    (_merges, "p2<p3"),
]


@st.composite
def said(draw: st.DrawFn) -> list[Event[Any]]:
    """Few statements in up to three revisions each, so that they meet on a subject; in any order.

    Each revision has one content: two would contradict each other, and no order could be right.
    """
    found = []
    for strategy, name in _STATEMENTS:
        first = draw(st.integers(1, 3))
        found += [draw(strategy(name, revision)) for revision in range(first, draw(st.integers(0, 3)) + 1)]
    return draw(st.permutations(found))
