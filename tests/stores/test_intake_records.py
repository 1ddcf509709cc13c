"""Records at the door of a real intake: accepted once, corrected, withdrawn, refused; and what is said of each."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.events.canvassing import CaseScreened, HouseholdCanvassed
from contracts.events.policies import TimeAdvanced
from contracts.events.testing import TestResulted
from contracts.topics import OF_FACT
from services.intake.records import KINDS
from tests.stores.intake_world import (
    GRID,
    JSON,
    NDJSON,
    VILLAGE,
    a_household,
    a_number,
    a_test,
    damaged,
    intake,
    one_of_each,
)


async def test_each_kind_of_record_says_its_facts_in_their_order(database: str) -> None:
    async with intake(database) as world:
        verdicts = await world.send(*one_of_each())
        events = await world.events()
    assert [verdict["verdict"] for verdict in verdicts] == ["accepted"] * len(verdicts)
    assert [event.id for event in events] == [each for verdict in verdicts for each in verdict["event_ids"]]
    said = {type(event.data) for event in events}
    assert said == {fact for fact, topic in OF_FACT.items() if topic.producer == "intake"} - {TimeAdvanced}
    assert {event.division for event in events} == {GRID, VILLAGE}


async def test_a_record_sent_twice_is_said_once(database: str) -> None:
    async with intake(database) as world:
        [first] = await world.send(a_household(1, 1, 2))
        [second] = await world.send(a_household(1, 1, 2))
        events = await world.events()
    assert (first["verdict"], second["verdict"], len(events)) == ("accepted", "duplicate", 3)
    assert second["duplicate_of"] == events[0].correlation


async def test_a_record_without_an_id_is_known_by_its_content(database: str) -> None:
    nameless = a_test(1, 1)
    del nameless["source_id"]
    async with intake(database) as world:
        [first, second] = await world.send(nameless, nameless)
        by_its_id = a_test(1, 1, source_id=first["source_id"], revision=2, result="positive")
        assert await world.words(by_its_id) == ["accepted"]
    assert (first["verdict"], second["verdict"]) == ("accepted", "duplicate")
    assert first["source_id"] == second["source_id"]


async def test_a_correction_restates_the_same_statements_and_withdraws_members_who_are_gone(database: str) -> None:
    async with intake(database) as world:
        words = await world.words(a_household(1, 1, 2, 3), a_household(1, 1, 3, revision=2))
        events = await world.events()
    assert words == ["accepted", "accepted"]
    first, second = events[:4], events[4:]
    states = {event.data.statement_id: (event.data.revision, event.data.withdrawn) for event in second}
    assert states.keys() == {event.data.statement_id for event in first}
    gone = next(event.data.person_id for event in second if event.data.withdrawn)
    assert gone == first[2].data.person_id
    assert sorted(states.values()) == [(2, False), (2, False), (2, False), (2, True)]
    assert next(each.data.persons_met for each in second if isinstance(each.data, HouseholdCanvassed)) == 2


async def test_a_member_who_came_back_in_a_later_correction_is_stated_again(database: str) -> None:
    revisions = [a_household(1, 1, 2), a_household(1, 1, revision=2), a_household(1, 1, 2, revision=3)]
    async with intake(database) as world:
        assert await world.words(*revisions) == ["accepted"] * 3
        screened = [event.data for event in await world.events() if isinstance(event.data, CaseScreened)]
    last = {fact.statement_id: fact for fact in screened}
    assert [(fact.revision, fact.withdrawn) for fact in last.values()] == [(3, False), (3, False)]


async def test_a_withdrawn_record_takes_back_everything_it_said_and_may_be_sent_again(database: str) -> None:
    withdrawal = a_household(1, revision=2, withdrawn=True)
    async with intake(database) as world:
        assert await world.words(a_household(1, 1, 2, drill=True), withdrawal) == ["accepted"] * 2
        first, second = (await world.events())[:3], (await world.events())[3:]
        assert await world.words(withdrawal, a_household(1, 1, 2)) == ["duplicate", "rejected"]
        assert await world.words(a_household(1, 1, 2, revision=3)) == ["accepted"]
    assert [event.data.statement_id for event in second] == [event.data.statement_id for event in first]
    assert all(event.data.withdrawn and event.data.revision == 2 and event.drill for event in second)


async def test_an_older_revision_sent_again_is_a_duplicate_and_other_content_under_it_is_not(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(1, 1, revision=2, result="positive"))
        verdicts = await world.send(a_test(1, 1), a_test(1, 1, result="inconclusive"))
        results = [event.data.result for event in await world.events() if isinstance(event.data, TestResulted)]
    assert [verdict["verdict"] for verdict in verdicts] == ["duplicate", "rejected"]
    assert "revision 3" in verdicts[1]["errors"][0]["would_be_right"]
    assert results == ["negative", "positive"]


async def test_revisions_of_one_record_in_one_batch_are_taken_one_after_the_other(database: str) -> None:
    async with intake(database) as world:
        words = await world.words(a_test(1, 1), a_test(1, 1), a_test(1, 2, revision=2), a_test(1, 1, revision=2))
        events = await world.events()
    assert words == ["accepted", "duplicate", "accepted", "rejected"]
    assert [(event.data.revision, event.data.withdrawn) for event in events] == [(1, False), (2, True), (2, False)]


async def test_a_wrong_record_does_not_hold_up_its_neighbours(database: str) -> None:
    nowhere = [a_test(3 + n, 1, division_code=code) for n, code in enumerate(("999999", f"{VILLAGE}999"))]
    wrong = [b"{", a_test(2, 1, result="?"), *nowhere]
    async with intake(database) as world:
        verdicts = await world.send(a_test(1, 1), *wrong, a_test(5, 1))
        assert len(await world.events()) == 2
    assert [verdict["verdict"] for verdict in verdicts] == ["accepted", *["rejected"] * 4, "accepted"]
    fields = [verdict["errors"][0]["field"] for verdict in verdicts[1:5]]
    assert fields == ["", "result", "division_code", "division_code"]


async def test_one_record_gets_one_verdict_and_a_status_that_says_which(database: str) -> None:
    async with intake(database) as world:
        bodies = [a_test(1, 1), a_test(1, 1), a_test(1, 1, result="positive"), a_test(2, 1, result="?")]
        answers = [await world.client.post("/records", json=body) for body in bodies]
        listed = await world.client.post("/records", json=[a_test(1, 1), 7, a_test(3, 1)])
        csv = await world.client.post("/records", content="a,b", headers={"content-type": "text/csv"})
    assert [answer.status_code for answer in answers] == [200, 200, 409, 422]
    assert [verdict["verdict"] for verdict in listed.json()] == ["duplicate", "rejected", "accepted"]
    assert (csv.status_code, "gridward send" in csv.text) == (415, True)


async def test_a_verdict_is_told_in_the_language_that_is_asked_for(database: str) -> None:
    async with intake(database) as world:
        [chinese] = await world.send(a_test(1, 1, result="?"), **{"accept-language": "zh-CN"})
        [english] = await world.send(a_test(1, 1, result="?"), **{"accept-language": "en-GB,zh;q=0.5"})
    assert chinese["errors"][0]["why"] == "取值不在列表中"
    assert english["errors"][0]["would_be_right"] == "one of 'negative', 'positive' or 'inconclusive'"


async def test_a_sender_records_and_withdraws_in_the_token_s_division_only(database: str) -> None:
    withdrawal = {"feed": "lab", "source_id": "test-1", "kind": "test", "revision": 2, "withdrawn": True}
    async with intake(database) as everywhere, intake(database, division="330482") as elsewhere:
        [refused] = await elsewhere.send(a_test(9, 1))
        assert await everywhere.words(a_test(1, 1)) == ["accepted"]
        assert await elsewhere.words(withdrawal, a_test(1, 1, revision=2, division_code="330482")) == ["rejected"] * 2
        assert await everywhere.words(withdrawal) == ["accepted"]
    assert refused["errors"][0]["why"] == "your token or key does not cover this division"


async def test_time_is_told_on_a_stage_and_refused_under_a_wall_clock(database: str) -> None:
    told = {"feed": "stage", "kind": "stage-time", "division_code": "33", "to_at": "2022-03-05T05:00:00+08:00"}
    async with intake(database) as wall:
        [refused] = await wall.send(told)
    async with intake(database, clock="stage") as stage:
        assert await stage.words(told) == ["accepted"]
        await stage.send(a_test(1, 1))
        event = (await stage.events())[-1]
    assert "wall" in refused["errors"][0]["why"]
    assert event.time.isoformat() == "2022-03-04T21:00:00+00:00"


async def test_a_body_larger_than_a_request_may_be_is_refused_at_once(database: str) -> None:
    async with intake(database) as world:
        answer = await world.client.post("/records", content=b"{}", headers={**NDJSON, "content-length": str(10**9)})
    assert answer.status_code == 413


async def test_grids_are_taken_row_by_row_and_records_may_then_be_made_there(database: str) -> None:
    rows = f"code,name\n{VILLAGE}777,新网格\n{VILLAGE}77,短\n999999999999001,无\n{VILLAGE}778,\n{VILLAGE}777,再\n"
    grid = f"{VILLAGE}777"
    async with intake(database) as world:
        assert await world.words(a_test(1, 1, division_code=grid)) == ["rejected"]
        verdicts = (await world.client.post("/grids", content=rows.encode())).json()
        there = [a_test(1, 1, division_code=grid), a_test(2, 1, division_code=f"{grid}-03")]
        assert await world.words(*there) == ["accepted"] * 2
        assert await world.pool.fetchval("select name from grids where code = $1", grid) == "新网格"
        unnamed = await world.client.post("/grids", content=b"a,b\n1,2\n")
    assert [verdict["verdict"] for verdict in verdicts] == ["accepted", *["rejected"] * 4]
    assert all(verdict["why"] for verdict in verdicts[1:])
    assert unnamed.status_code == 422


async def test_the_form_of_every_kind_is_published_and_names_every_field_that_is_taken(database: str) -> None:
    async with intake(database) as world:
        forms = (await world.client.get("/records/schema")).json()["$defs"].values()
        page = await world.client.get("/")
    kinds = ((form.get("properties", {}).get("kind", {}).get("const"), form) for form in forms)
    by_kind = {kind: form for kind, form in kinds if kind}
    assert by_kind.keys() == KINDS.keys()
    for record in one_of_each():
        form = by_kind[record["kind"]]
        assert set(form["required"]) <= record.keys() <= set(form["properties"])
    assert "/records" in page.text and "http" not in page.text


async def test_a_caller_without_the_role_is_turned_away(database: str) -> None:
    async with intake(database) as world:
        world.client.headers.pop("authorization")
        sent = await world.client.post("/records", json=a_test(1, 1))
        asked = await world.client.post("/people/lookups", json={"purpose": "a test", "id_numbers": [a_number(1)]})
        assert (sent.status_code, asked.status_code) == (401, 401)
        assert await world.pool.fetchval("select count(*) from records") == 0


# Not shrunk: each step would open a database again.
@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(records=st.lists(damaged() | JSON, min_size=10, max_size=40))
def test_whatever_is_sent_gets_a_verdict_each_and_what_is_said_can_be_read(database: str, records: list[Any]) -> None:
    asyncio.run(_judged(database, records))


async def _judged(database: str, records: list[Any]) -> None:
    async with intake(database, clock="stage") as world:
        before = await world.ledger()
        verdicts = await world.send(*records)
        assert len(verdicts) == len(records)
        said = {event.id for event in await world.events()}
        assert said >= {each for verdict in verdicts for each in verdict.get("event_ids", ())}
        received = sum(feed["received"] for feed in (await world.ledger()).values())
        assert received == len(records) + sum(feed["received"] for feed in before.values())
        assert not any(feed["pending"] for feed in (await world.ledger()).values())


async def test_an_adoption_of_a_rule_that_no_edition_has_is_refused_with_those_that_there_are(database: str) -> None:
    adoption = {"kind": "policy-adoption", "feed": "command", "source_id": "a-1", "division_code": "3304"}
    adoption |= {"adopted_from": "2022-03-05T09:00:00+08:00", "decided_by": "post-1", "document": "No. 1"}
    async with intake(database) as world:
        [verdict] = await world.send({**adoption, "rule": "contact-lookbak"})
        [error] = verdict["errors"]
        assert error["field"] == "rule" and "contact_lookback" in error["would_be_right"]
        assert await world.words({**adoption, "rule": "contact_lookback"}) == ["accepted"]
