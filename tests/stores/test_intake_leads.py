"""Leads through the door: split by division, landed, not found, passed on, closed; seen by whom they concern alone."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import httpx

from contracts.events.contacts import Standing
from contracts.events.deadlines import DeadlineJudged, Line, Verdict
from contracts.leads import LeadState
from services.intake.listing import listed as all_listed
from services.intake.rules.lead_rows import LeadDone, LeadHeld
from services.intake.store.leads import find_around
from services.intake.store.roster import load
from tests.stores.duty_records import an_assignment
from tests.stores.grid_world import AT, NOON, OTHER_GRID, WORKER, as_, at_noon, hear, listed
from tests.stores.intake_world import GRID, VILLAGE, World, a_number, a_person, intake
from tests.stores.sheets import text_sheet
from tests.stores.test_intake_sheets import upload


def a_lead(n: int, division: str = GRID, **more: Any) -> dict[str, Any]:
    said = {"source": "letter", "reference": "函〔2022〕12号", "sent_by": "310115", "received_at": AT}
    head = {"feed": "letters", "source_id": f"lead-{n}", "kind": "lead", "division_code": division}
    return {**head, **a_person(n), **said, **more}


def a_step(kind: str, n: int, division: str = GRID, **more: Any) -> dict[str, Any]:
    said = {"lead": {"feed": "letters", "source_id": f"lead-{n}"}, "done_at": NOON.isoformat(), "done_by": WORKER}
    return {"feed": "desk", "source_id": f"{kind}-{n}", "kind": kind, "division_code": division, **said, **more}


async def seen(client: httpx.AsyncClient, division: str = VILLAGE, **asked: str) -> dict[str, str]:
    found = (await client.get("/leads", params={"division": division, **asked})).raise_for_status().json()
    return {each["lead_id"]: each["state"] for each in found}


async def lead_ids(world: World) -> list[str]:
    async with world.pool.acquire() as tx:
        return [each.record_id for each in await load(tx, LeadHeld, "33")]


async def test_a_list_is_split_by_the_divisions_of_its_rows_and_a_row_without_a_right_one_comes_back(
    database: str,
) -> None:
    names = ["落地区划代码", "姓名", "身份证号", "接收时间", "文号"]
    where = [GRID, VILLAGE, "", "330421999999"]
    rows = [[code, f"王某{n}", a_number(n), "2022/3/5 9:00", "名单7"] for n, code in enumerate(where, 1)]
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        answer = await upload(world, text_sheet([names, *rows]), "leads")
        assert answer.words == {"accepted": 2, "rejected": 2}, answer
        assert len(await lead_ids(world)) == 2
        events = [event.data for event in await world.events()]
        assert {(each.type, each.source.value) for each in events} == {("lead-received", "list")}
        text = "".join(each.model_dump_json() for each in events)
        assert "王某" not in text and a_number(1) not in text
        again = await upload(world, text_sheet([names, *rows]), "leads")
    assert again.words == {"duplicate": 2, "rejected": 2}


async def test_a_lead_is_passed_on_and_landed_and_each_sees_what_is_theirs(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(a_lead(1), an_assignment(GRID, WORKER), an_assignment(OTHER_GRID, "worker-2"))
        here, there = await as_(world, division=GRID), await as_(world, "worker-2", division=OTHER_GRID)
        [lead] = await lead_ids(world)
        assert (await seen(here, GRID), await seen(there, OTHER_GRID)) == ({lead: "open"}, {})
        [(kind, person)] = await listed(here)
        assert (kind, (await here.get("/roster")).json()["others"][0]["name"]) == ("lead", "王某1")
        unseen = await there.post(f"/leads/{lead}/landed", json={})
        assert unseen.status_code == 404
        on = {"to_division_code": OTHER_GRID, "reason": "王某1 已搬走"}
        named = await here.post(f"/leads/{lead}/passed-on", json=on)
        assert (named.status_code, named.json()["errors"][0]["field"]) == (422, "reason")
        told = await here.post(f"/leads/{lead}/passed-on", json={**on, "reason": "已搬到二网格"})
        assert told.json()["verdict"] == "accepted", told.text
        assert (await seen(here, GRID), await listed(here)) == ({lead: "passed_on"}, [])
        assert (await seen(there, OTHER_GRID), await listed(there)) == ({lead: "open"}, [("lead", person)])
        assert (await there.get("/roster")).json()["others"][0]["name"] == "王某1"
        [item] = (await there.get("/today")).json()["items"]
        [shown] = (await there.get("/leads", params={"division": OTHER_GRID})).json()
        assert (item["passed_on_because"], shown["steps"][0]["reason"]) == ("已搬到二网格",) * 2
        late = await here.post(f"/leads/{lead}/landed", json={"done_at": (NOON + timedelta(hours=1)).isoformat()})
        assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "division_code")
        assert OTHER_GRID in late.json()["errors"][0]["would_be_right"]
        retry = {"source_id": "tap-1", "done_at": NOON.isoformat()}
        words = [(await there.post(f"/leads/{lead}/landed", json=retry)).json()["verdict"] for _ in range(2)]
        assert (words, await listed(there), await seen(there, OTHER_GRID, state="landed")) == (
            ["accepted", "duplicate"], [], {lead: "landed"},
        )  # fmt: skip
        undone = {
            "feed": "lead-desk",
            "source_id": "worker-2:tap-1",
            "kind": "lead-landed",
            "revision": 2,
            "withdrawn": True,
        }
        assert (await there.post("/records", json=undone)).json()["verdict"] == "accepted"
        assert await listed(there) == [("lead", person)]
        named = {"outcome": "no_risk", "reason": "王某1 已回沪"}
        assert (await there.post(f"/leads/{lead}/closed", json=named)).json()["errors"][0]["field"] == "reason"
        closed = await there.post(f"/leads/{lead}/closed", json={**named, "reason": "已回沪"})
        assert closed.json()["verdict"] == "accepted"
        assert await listed(there) == []
        opened = {"purpose": "care", "person_ids": [person]}
        assert (await there.post("/people/openings", json=opened)).status_code == 403
        types = [event.type for event in await world.events()]
    assert types == ["lead-received", "lead-passed-on", "lead-landed", "lead-landed", "lead-closed"]


async def test_steps_find_their_lead_in_one_batch_and_a_step_that_follows_nothing_is_answered(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        both = {**a_step("lead-landed", 1), "source_id": "x", "lead": {"id": "y", "feed": "z", "source_id": "w"}}
        verdicts = await world.send(
            a_step("lead-landed", 9), both, a_lead(1), a_step("lead-passed-on", 1, to_division_code=GRID),
            a_step("lead-passed-on", 1, to_division_code=VILLAGE, source_id="up"),
            a_step("lead-landed", 1, VILLAGE), a_step("lead-not-found", 1, VILLAGE, drill=True),
        )  # fmt: skip
        words = [each["verdict"] for each in verdicts]
        assert words == ["rejected", "rejected", "accepted", "rejected", "accepted", "accepted", "rejected"]
        wrong = [each["errors"][0]["field"] for each in verdicts if each["verdict"] == "rejected"]
        assert wrong == ["lead", "lead", "to_division_code", "drill"]
        office = await as_(world, "head", "leader", "330421")
        [lead] = await lead_ids(world)
        assert await seen(office) == {lead: "landed"}
        assert (await office.get("/leads", params={"division": "330421001001"})).json()[0][
            "reference"
        ] == "函〔2022〕12号"
        await world.send(a_lead(1, revision=2, **a_person(2)))
        assert await seen(office) == {lead: "open"}, "somebody else is meant: who was found was another"
        assert (
            await (await as_(world, "x", "resident", "")).get("/leads", params={"division": GRID})
        ).status_code == 403


async def test_leads_and_needs_stand_in_the_list_by_time_left_until_somebody_followed_them(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        need = {"feed": "page", "source_id": "n", "kind": "need", "division_code": GRID, **a_person(3)}
        need |= {"need": "medicine", "asked_at": (NOON - timedelta(hours=1)).isoformat()}
        await world.send(an_assignment(GRID, WORKER), a_lead(1), a_lead(2), need)
        one, two = await lead_ids(world)
        worker = await as_(world)
        items = (await worker.get("/today")).json()["items"]
        assert [item["kind"] for item in items] == ["lead", "lead", "need"]
        urgent = DeadlineJudged(
            statement_id="clock:x", person_id="p", clock_id="x", deadline="land.lead.letter", line=Line.COMMAND,
            verdict=Verdict.RUNNING, started_at=NOON, due_at=NOON + timedelta(hours=2), edition="covid-ed8",
            standing=Standing.ADOPTED, about_id=one,
        )  # fmt: skip
        await hear(world, urgent)
        items = (await worker.get("/today")).json()["items"]
        assert [item.get("lead_id") or item["kind"] for item in items] == [two, "need", one]
        assert items[2]["due_at"] == (NOON + timedelta(hours=2)).isoformat()
        met = {"feed": "worker-page", "source_id": "m", "kind": "need-met", "division_code": GRID, "done_by": WORKER}
        met |= {"asked": {"id": items[1]["need_id"]}, "done_at": NOON.isoformat()}
        step = {**a_step("lead-not-found", 1), "lead": {"id": one}, "feed": "worker-page"}
        assert [(await worker.post("/records", json=each)).json()["verdict"] for each in (met, step)] == [
            "accepted"
        ] * 2
        assert [item.get("lead_id") for item in (await worker.get("/today")).json()["items"]] == [two]
        wrong = {**met, "source_id": "m2", "asked": {"id": "nothing"}}
        assert (await worker.post("/records", json=wrong)).json()["errors"][0]["field"] == "asked"


async def test_the_leads_in_a_state_are_those_of_all_though_answered_ones_are_not_looked_at(database: str) -> None:
    chance, places = Random(20220305), (GRID, OTHER_GRID, VILLAGE, "330421002")
    leads, steps = list[LeadHeld](), list[LeadDone]()
    for n in range(400):
        leads.append(LeadHeld(f"l{n}", chance.choice(places), False, f"p{n}", "list", None, None, NOON))
        for m in range(chance.choice((0, 1, 1, 1, 2, 3))):
            did, at = chance.choice([*LeadState][1:]), NOON + timedelta(hours=chance.randrange(3))
            to = chance.choice(places) if did is LeadState.PASSED_ON else None
            who = chance.choice((f"p{n}", f"p{n}", f"p{n}", "another"))
            head = f"s{n}-{m}", chance.choice((leads[-1].division_code, *places)), False, f"l{n}", who
            steps.append(LeadDone(*head, did.value, at, WORKER, to, None, None))
    async with intake(database) as world, world.pool.acquire() as tx:
        for table, rows, columns in (("leads", leads, LeadHeld._fields), ("lead_steps", steps, LeadDone._fields)):
            await tx.copy_records_to_table(table, records=rows, columns=columns)
        for divisions in ([VILLAGE], [GRID, "330421002"]):
            every = await all_listed(tx, divisions)
            for state in LeadState:
                wanted = [each for each in every if each.tenure.state is state]
                assert wanted and await all_listed(tx, divisions, state) == wanted
        looked_at = await find_around(tx, [VILLAGE], without_answered=True)
        assert 0 < len(looked_at) < len(await find_around(tx, [VILLAGE]))


async def test_a_step_that_is_told_again_later_is_known_again_and_counts_for_its_own_office_alone(
    database: str,
) -> None:
    async with intake(database, clock="stage") as world:
        await at_noon(world)
        await world.send(a_lead(1), a_lead(2, OTHER_GRID))
        one, two = sorted(await lead_ids(world))
        both = await as_(world, "village", "leader", VILLAGE)
        [lead] = await seen(both, GRID)
        [other] = {one, two} - {lead}
        tap, on = {"source_id": "tap-1"}, {"source_id": "tap-2", "to_division_code": OTHER_GRID, "reason": "已搬走"}
        told = [(lead, "not-found", tap), (lead, "passed-on", on)]
        for hour, word in ((12, "accepted"), (13, "duplicate")):
            await world.at(f"2022-03-05T{hour}:00:00+08:00")
            answers = [(await both.post(f"/leads/{which}/{did}", json=more)).json() for which, did, more in told]
            assert [answer["verdict"] for answer in answers] == [word] * 2, answers
        changed = await both.post(f"/leads/{lead}/landed", json=tap)
        assert (changed.status_code, changed.json()["errors"][0]["field"]) == (422, "revision")
        neighbour = await as_(world, "worker-2", division=OTHER_GRID)
        answer = (await neighbour.post(f"/leads/{other}/landed", json=tap)).json()
        assert (answer["verdict"], answer["source_id"]) == ("accepted", "worker-2:tap-1")
