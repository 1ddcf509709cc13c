"""Tracing on a real PostgreSQL: facts in by batches, differences out by turns of the deriver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events.cases import CaseReported, Classification
from contracts.events.contacts import Standing
from contracts.events.policies import TimeAdvanced
from contracts.events.quarantine import Care, Mode
from contracts.events.testing import Result
from contracts.topics import heard_by
from services.tracing.store.tables import TABLES
from tests.stores.tracing_facts import (
    HOME,
    a_classification,
    a_finding,
    a_leaving,
    a_placement,
    a_test,
    a_tube,
    a_tube_result,
    an_adoption,
    an_end,
    an_exposure,
    an_order,
    at,
    heard,
)
from tests.stores.tracing_world import World, a_world, fact_of, words

ELSEWHERE = "330421102001002"
CASE = [heard(a_classification("A"), at(5, 9)), heard(a_finding("A"), at(5, 9))]


def again(events: Sequence[Event[Any]]) -> list[Event[Any]]:
    """The same facts as statements of their own."""
    renamed = (event.data.model_copy(update={"statement_id": f"{event.data.statement_id}:again"}) for event in events)
    return [event.model_copy(update={"data": data}) for event, data in zip(events, renamed, strict=True)]


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    async with a_world(database) as opened:
        yield opened


async def test_a_case_and_an_exposure_make_a_contact_a_proposal_and_an_episode(world: World) -> None:
    await world.hear(*CASE)
    said = await world.hear(heard(an_exposure("B", "A"), at(5, 10)))
    assert words(said) == [("contact:B", 1, False), ("episode:B", 1, False), ("proposal:B", 1, False)]
    assert {(event.subject, event.division, event.time) for event in said} == {("B", HOME, at(5, 10))}
    assert fact_of(said, "contact:B").found_at == at(5, 10)


async def test_an_excluded_suspect_takes_back_close_and_secondary_contacts(world: World) -> None:
    suspect = heard(a_classification("A", Classification.SUSPECTED), at(5, 9))
    meetings = [heard(an_exposure("B", "A"), at(5, 10)), heard(an_exposure("C", "B", first=at(5, 12)), at(5, 13))]
    said = await world.hear(suspect, *meetings)
    assert fact_of(said, "contact:C").category == "secondary"
    said = await world.hear(heard(a_classification("A", Classification.EXCLUDED, made=at(6), n=2), at(6)))
    assert {who for who in "BC" if f"contact:{who}" in {e.data.statement_id for e in said if e.data.withdrawn}} == {
        *"BC"
    }
    assert not [row for row in await world.tracing.published(world.tx) if row != "episode:A"]


async def test_a_secondary_contact_becomes_close_when_the_link_falls_ill(world: World) -> None:
    await world.hear(
        *CASE, heard(an_exposure("B", "A"), at(5, 10)), heard(an_exposure("C", "B", first=at(5, 12)), at(5, 13))
    )
    said = await world.hear(heard(a_classification("B", made=at(7)), at(7)), heard(a_finding("B", found=at(7)), at(7)))
    close = fact_of(said, "contact:C")
    assert (close.category, close.linked_id, close.found_at) == ("close", "B", at(7))
    assert fact_of(said, "proposal:B").withdrawn
    assert "contact:B" not in {event.data.statement_id for event in said}, "B was exposed to another case"


async def test_a_case_is_no_contact_of_those_whom_she_exposed(world: World) -> None:
    said = await world.hear(
        *CASE, heard(an_exposure("B", "A"), at(5, 10)), heard(an_exposure("A", "B", n=2), at(5, 10))
    )
    assert "contact:A" not in {event.data.statement_id for event in said}


async def test_an_ended_order_stays_released_whatever_is_derived_later(world: World) -> None:
    await world.hear(
        *CASE,
        heard(an_exposure("B", "A"), at(5, 10)),
        heard(an_order("B"), at(6)),
        heard(a_placement("B", at(6, 6)), at(6, 6)),
        heard(a_leaving("B", at(20)), at(20)),
        heard(an_end("B", at(20)), at(20)),
    )
    for news in (
        a_classification("A", Classification.EXCLUDED, made=at(21), n=2),
        a_classification("A", made=at(22), n=3),
        an_exposure("B", "A", first=at(19), n=2),
        a_classification("B", made=at(23)),
    ):
        await world.hear(heard(news, at(23)))
        care = await world.tx.fetchval("select care from states where person_id = 'B'")
        assert care == Care.RELEASED, news


async def test_the_members_of_a_positive_tube_owe_a_sample_until_one_of_their_own_has_a_result(world: World) -> None:
    assert await world.hear(heard(a_tube("T", ["B", "C"]), at(5, 1))) == []
    assert words(await world.hear(heard(a_tube_result("T"), at(5, 6)))) == [
        ("sampling:T:B", 1, False),
        ("sampling:T:C", 1, False),
    ]
    assert words(await world.hear(heard(a_test("B", at(5, 8)), at(5, 20)))) == [("sampling:T:B", 2, True)]
    negative = heard(a_tube_result("T", Result.NEGATIVE, revision=2), at(6))
    assert words(await world.hear(negative)) == [("sampling:T:C", 2, True)]


async def test_the_latest_fact_says_where_a_person_lives_and_a_move_is_said_anew(world: World) -> None:
    meeting = an_exposure("A", "B").model_copy(update={"other_division_code": ELSEWHERE})
    said = await world.hear(*CASE, heard(meeting, at(5, 10)))
    assert {event.subject: event.division for event in said} == {"A": HOME, "B": ELSEWHERE}
    assert await world.hear(heard(a_test("B", at(5)), at(5, 9), HOME)) == [], "received before: B has moved since"
    moved = await world.hear(heard(a_test("B", at(5, 9), n=2), at(6), HOME))
    assert words(moved) == [("contact:B", 2, False), ("episode:B", 2, False), ("proposal:B", 2, False)]
    assert {event.division for event in moved} == {HOME}


async def test_an_adoption_by_the_county_makes_the_lookback_bind_there(world: World) -> None:
    said = await world.hear(*CASE, heard(an_exposure("B", "A"), at(5, 10)))
    assert fact_of(said, "contact:B").standing is Standing.PROVISIONAL
    assert await world.hear(heard(an_adoption("330422"), at(6), "330422")) == []
    said = await world.hear(heard(an_adoption(HOME[:6]), at(6), HOME[:6]))
    assert words(said) == [("contact:B", 2, False)]
    assert fact_of(said, "contact:B").standing is Standing.ADOPTED


async def test_an_exercise_is_a_world_of_its_own_and_marked_on_all_that_rests_on_it(world: World) -> None:
    exposure = an_exposure("B", "A")
    await world.hear(*CASE, heard(an_adoption(HOME[:6]), at(5), HOME[:6], drill=True))
    assert await world.hear(heard(exposure, at(5, 10), drill=True)) == []
    said = await world.hear(*(event.model_copy(update={"drill": True}) for event in again(CASE)))
    assert {(event.subject, event.drill) for event in said} == {("A", True), ("B", True)}
    contact = fact_of(said, "contact:~B")
    assert (contact.person_id, contact.linked_id, contact.standing) == ("B", "A", Standing.PROVISIONAL)
    earnest = heard(exposure.model_copy(update={"revision": 2}), at(5, 12))
    said = await world.hear(earnest)
    gone, made = ("contact", "proposal"), ("contact:B", "episode:B", "proposal:B")
    assert {(e.data.statement_id, e.drill) for e in said if e.data.withdrawn} >= {(f"{each}:~B", True) for each in gone}
    assert {(e.data.statement_id, e.drill) for e in said if not e.data.withdrawn} == {(each, False) for each in made}


async def test_care_is_scheduled_by_order_and_placement_and_release_by_tests(world: World) -> None:
    await world.hear(*CASE, heard(an_exposure("B", "A"), at(5, 10)))
    said = await world.hear(heard(an_order("B"), at(6)), heard(a_placement("B", at(6, 6)), at(6, 6)))
    care = fact_of(said, "care:p-B-1:B")
    assert (care.mode, care.from_at, care.until_at) == (Mode.CENTRAL_QUARANTINE, at(6, 6), at(20))
    tests = [heard(a_test("B", at(day, 8), n=day), at(day, 16)) for day in (6, 9, 12)]
    assert "release:o-B-1:B" not in {event.data.statement_id for event in await world.hear(*tests)}
    said = await world.hear(heard(a_test("B", at(19, 8), n=19), at(19, 16)))
    assert fact_of(said, "release:o-B-1:B").due_at == at(20)


async def test_a_person_with_impossible_facts_is_set_aside_and_stops_nobody(world: World) -> None:
    year_one = datetime(1, 1, 1, tzinfo=UTC)
    meetings = [heard(an_exposure("B", "A"), at(5, 10)), heard(an_exposure("C", "D"), at(5, 10))]
    impossible = [heard(a_classification("D"), at(5, 9)), heard(a_finding("D", onset=year_one), at(5, 9))]
    said = await world.hear(*CASE, *impossible, *meetings)
    assert "contact:B" in {event.data.statement_id for event in said}
    assert [row["person_id"] for row in await world.tx.fetch("select person_id from stuck")] == ["D"]
    said = await world.hear(heard(a_finding("D", onset=at(4), revision=2), at(6)))
    assert fact_of(said, "contact:C").category == "close"
    assert await world.tx.fetch("select from stuck") == []


def test_every_fact_that_tracing_hears_is_kept_or_passed_over_by_name() -> None:
    heard_of = {kind for topic in heard_by("tracing") for kind in topic.events}
    assert heard_of - TABLES.keys() == {CaseReported, TimeAdvanced}
    assert TABLES.keys() - heard_of == set()


async def test_a_second_result_of_a_tube_counts_whichever_was_heard_first(world: World) -> None:
    positive, negative = a_tube_result("T"), a_tube_result("T", Result.NEGATIVE, at(5, 12), n=2)
    await world.hear(heard(a_tube("T", ["B", "C"]), at(5)), heard(positive, at(5, 7)))
    assert await world.tracing.published(world.tx) != {}
    await world.hear(heard(negative, at(5, 13)))
    assert await world.tracing.published(world.tx) == {}
    back = negative.model_copy(update={"revision": 2, "withdrawn": True})
    assert words(await world.hear(heard(back, at(5, 14)))) == [("sampling:T:B", 3, False), ("sampling:T:C", 3, False)]


async def test_an_adoption_reaches_whoever_lives_there_by_the_word_of_a_tube_alone(world: World) -> None:
    await world.hear(*CASE, heard(an_exposure("B", "A"), at(5, 10)))
    await world.hear(heard(a_tube("T", ["B"], division=ELSEWHERE), at(6)), heard(a_tube_result("T"), at(6)))
    said = await world.hear(heard(an_adoption(ELSEWHERE[:9]), at(7)))
    assert fact_of(said, "contact:B").standing is Standing.ADOPTED
