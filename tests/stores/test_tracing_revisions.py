"""Facts repeated, corrected, withdrawn and late; what is said of them, when, and because of what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import permutations

import pytest

from contracts.events.cases import Classification
from contracts.events.contacts import ContactIdentified, ContactWay
from contracts.events.people import PersonsMerged
from tests.stores.tracing_facts import (
    a_classification,
    a_finding,
    a_tube,
    a_tube_result,
    an_end,
    an_exposure,
    an_order,
    at,
    heard,
)
from tests.stores.tracing_world import World, a_world, fact_of, words

ELSEWHERE = "330421102001002"
CASE = [heard(a_classification("A"), at(5, 9)), heard(a_finding("A"), at(5, 9))]


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    async with a_world(database) as opened:
        yield opened


async def test_the_same_facts_again_say_nothing(world: World) -> None:
    events = [*CASE, heard(an_exposure("B", "A"), at(5, 10))]
    assert await world.hear(*events)
    assert await world.hear(*events, *events) == []
    assert await world.tx.fetchval("select count(*) from exposures") == 1


async def test_a_correction_that_moves_an_exposure_out_of_the_window_takes_everything_back(world: World) -> None:
    await world.hear(*CASE, heard(an_exposure("B", "A"), at(5, 10)))
    said = await world.hear(heard(an_exposure("B", "A", first=at(1), revision=2), at(5, 11)))
    assert words(said) == [("contact:B", 2, True), ("episode:B", 2, True), ("proposal:B", 2, True)]
    assert {event.time for event in said} == {at(5, 11)}


async def test_what_is_said_again_goes_on_with_its_revision(world: World) -> None:
    meeting = an_exposure("B", "A", way=ContactWay.SHARED_VENUE)
    await world.hear(*CASE, heard(meeting, at(5, 10)))
    await world.hear(heard(meeting.model_copy(update={"revision": 2, "withdrawn": True}), at(5, 11)))
    said = await world.hear(heard(meeting.model_copy(update={"revision": 3}), at(5, 12)))
    assert words(said) == [("contact:B", 3, False), ("episode:B", 3, False)]


async def test_a_lower_revision_that_comes_late_changes_nothing_but_when_it_was_first_received(world: World) -> None:
    await world.hear(*CASE, heard(an_exposure("B", "A", revision=2), at(5, 12)))
    said = await world.hear(heard(an_exposure("B", "A", first=at(1), revision=1), at(5, 10)))
    assert fact_of(said, "contact:B").found_at == at(5, 10)
    assert fact_of(said, "contact:B").withdrawn is False


SAID_OF_A = [
    heard(a_classification("A", now, made=made, revision=n), received_at)
    for n, (now, made, received_at) in enumerate(
        [
            (Classification.CONFIRMED, at(5, 8), at(5, 9)),
            (Classification.EXCLUDED, at(5, 8), at(5, 12)),
            (Classification.SUSPECTED, at(5, 8), at(6, 9)),
            (Classification.CONFIRMED, at(5, 7), at(6, 15)),
        ],
        1,
    )
]
"""One statement, four times."""


async def test_a_case_is_known_since_the_revision_that_said_it_whichever_is_heard_first(world: World) -> None:
    for order in permutations(SAID_OF_A):
        await world.tx.execute("truncate classifications, classification_revisions, exposures, states, published")
        await world.hear(heard(an_exposure("B", "A"), at(5, 10)))
        for event in (*order, *order):
            await world.hear(event)
        contact = (await world.tracing.published(world.tx))["contact:B"][0]
        assert ContactIdentified.model_validate_json(contact).found_at == at(6, 9)


async def test_what_else_is_corrected_of_a_case_moves_no_instant_but_its_own(world: World) -> None:
    await world.hear(heard(a_finding("A"), at(5, 9)), heard(an_exposure("B", "A"), at(5, 10)), *SAID_OF_A[:3])
    assert [e.data.statement_id for e in await world.hear(SAID_OF_A[3])] == ["episode:A"]


async def test_a_case_corrected_under_an_id_that_means_the_same_person_is_known_as_before(world: World) -> None:
    merge = PersonsMerged(statement_id="m", person_id="A", other_id="C", decided_at=at(6), decided_by="post-1")
    await world.hear(heard(an_exposure("B", "A"), at(5, 10)), heard(a_classification("C"), at(5, 9)))
    said = await world.hear(heard(merge, at(6)))
    assert fact_of(said, "contact:B").found_at == at(5, 10)
    of_a = a_classification("A", revision=2).model_copy(update={"statement_id": "class:C:1"})
    assert "contact:B" not in {e.data.statement_id for e in await world.hear(heard(of_a, at(7)))}


async def test_a_case_that_turns_out_to_be_another_person_is_known_of_that_one_since_then(world: World) -> None:
    await world.hear(heard(an_exposure("B", "A"), at(5, 10)), heard(a_classification("C"), at(5, 9)))
    of_a = a_classification("A", revision=2).model_copy(update={"statement_id": "class:C:1"})
    assert fact_of(await world.hear(heard(of_a, at(7))), "contact:B").found_at == at(7)


@pytest.mark.parametrize("drill", [False, True])
async def test_a_contact_after_a_quarantine_names_both_matters_by_the_orders_own_id(world: World, drill: bool) -> None:
    meetings = [an_exposure("B", "A"), an_exposure("B", "D", first=at(24), n=2)]
    facts = [a_classification("A"), meetings[0], an_order("B"), an_end("B", at(20))]
    again = [a_classification("D", made=at(24)), meetings[1]]
    await world.hear(*(heard(fact, at(6), drill=drill) for fact in facts))
    said = await world.hear(*(heard(fact, at(25), drill=drill) for fact in again))
    contact = next(e.data for e in said if isinstance(e.data, ContactIdentified))
    assert [(each.found_at, each.follows_order_id) for each in contact.matters] == [(at(6), None), (at(25), "o-B-1")]


async def test_a_correction_that_names_another_person_frees_the_first(world: World) -> None:
    await world.hear(*CASE, heard(an_exposure("B", "A"), at(5, 10)))
    other = an_exposure("C", "A", revision=2).model_copy(update={"statement_id": "met:B:A:1"})
    said = await world.hear(heard(other, at(5, 11)))
    assert [(event.subject, event.data.withdrawn) for event in said] == [("B", True)] * 3 + [("C", False)] * 3


@pytest.mark.parametrize("late", [False, True])
async def test_the_members_of_a_corrected_tube_are_those_of_the_highest_revision(world: World, late: bool) -> None:
    first = heard(a_tube("T", ["B", "C"]), at(5, 1))
    corrected = heard(a_tube("T", ["C", "D"], revision=2), at(5, 2))
    for event in (corrected, first) if late else (first, corrected):
        await world.hear(event, heard(a_tube_result("T"), at(5, 6)))
    assert {*await world.tracing.published(world.tx)} == {"sampling:T:C", "sampling:T:D"}


async def test_a_positive_result_that_belongs_to_another_tube_frees_the_members_of_the_first(world: World) -> None:
    await world.hear(heard(a_tube("S", ["B"]), at(5, 1)), heard(a_tube("T", ["C"]), at(5, 1)))
    await world.hear(heard(a_tube_result("S"), at(5, 6)))
    other = a_tube_result("T", revision=2).model_copy(update={"statement_id": "result:S:1"})
    assert words(await world.hear(heard(other, at(5, 7)))) == [("sampling:S:B", 2, True), ("sampling:T:C", 1, False)]


async def test_facts_of_one_instant_give_that_instant_in_whatever_order_they_come(world: World) -> None:
    facts = [*CASE, heard(an_exposure("B", "A"), at(5, 9)), heard(an_exposure("C", "B", first=at(5, 7)), at(5, 9))]
    times: list[dict[str, datetime]] = []
    for order in permutations(facts):
        await world.tx.execute("truncate exposures, classifications, findings, states, published")
        said = [event for one in order for event in await world.hear(one)]
        times.append({event.data.statement_id: event.time for event in said})
    assert times[0].keys() >= {"contact:B", "contact:C", "episode:A"}
    assert {instant for one in times for instant in one.values()} == {at(5, 9)}


async def test_what_is_derived_of_an_older_fact_received_late_has_the_latest_time_read(world: World) -> None:
    await world.hear(*CASE)
    said = await world.hear(heard(an_exposure("B", "A", first=at(5, 1)), at(5, 2)))
    assert fact_of(said, "contact:B").found_at == at(5, 9)
    assert {event.time for event in said if event.subject == "B"} == {at(5, 9)}


async def test_each_event_names_what_caused_it(world: World) -> None:
    await world.hear(*CASE)
    meeting = heard(an_exposure("B", "A"), at(5, 10))
    said = await world.hear(meeting)
    assert {(event.causation, event.correlation) for event in said} == {(meeting.id, meeting.correlation)}


async def test_a_turn_that_is_rolled_back_is_taken_again(world: World) -> None:
    await world.tracing.hear(world.tx, CASE)
    lost = world.tx.transaction()
    await lost.start()
    assert await world.tx.fetchval("delete from stale returning 1")
    await lost.rollback()
    assert words(await world.tracing.settle(world.tx)) == [("episode:A", 1, False)]
