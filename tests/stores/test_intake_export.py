"""What is exported and imported again changes nothing; what was changed in it corrects the same record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from services.chassis.access import make_token
from services.intake.rules.retelling import KIND_OF
from services.intake.sheets.files import read_file
from services.intake.sheets.returned import written
from tests.stores.intake_world import KEY, VILLAGE, World, a_household, a_number, a_person, a_test, intake, one_of_each
from tests.stores.sheets import TESTS, a_test_row, workbook
from tests.stores.test_intake_sheets import CASES, upload

SINCE = "2000-01-01T00:00:00+08:00"


async def exported(world: World, feed: str, **more: Any) -> Any:
    query = {"feed": feed, "since": SINCE, "purpose": "reporting", **more}
    token = make_token(SecretStr(KEY), "reader", frozenset({"identity-reader"}))
    answer = await world.client.get("/records/export", params=query, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer


async def books(world: World) -> dict[str, Any]:
    tables = ("records", "vault_persons", "vault_dwellings", "outbox")
    return {table: await world.pool.fetchval(f"select count(*) from {table}") for table in tables}


async def test_every_kind_that_is_exported_and_imported_again_is_a_duplicate(database: str) -> None:
    async with intake(database) as world:
        records = [each | {"feed": "all"} for each in one_of_each()]
        assert set(await world.words(*records)) == {"accepted"}
        before = await books(world)
        answer = await exported(world, "all")
        lines = answer.content.splitlines()
        kinds = {json.loads(line)["kind"] for line in lines}
        assert kinds == {*KIND_OF.values()} & {record["kind"] for record in records} and len(kinds) == 23
        assert int(answer.headers["left-out"]) == len(records) - len(lines)
        assert set(await world.words(*lines)) == {"duplicate"}
        assert await books(world) == before


async def test_what_was_learned_of_a_person_meanwhile_does_not_make_an_export_a_change(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_household(1, 1), a_test(1, 1))
        await world.send(a_test(2, 1, **a_person(1, phone="13900000000", name="王改名")))
        lines = (await exported(world, "grid-app")).content.splitlines()
        assert json.loads(lines[0])["members"][0]["person"]["name"] == "王改名"
        assert await world.words(*lines) == ["duplicate"]
        await world.send(a_household(1, 1, revision=2, channel="phone"))
        assert await world.words(*lines) == ["duplicate"]


async def test_a_changed_row_corrects_the_same_record_with_its_next_revision_alone(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1))
        (line,) = (await exported(world, "lab")).content.splitlines()
        changed = {**json.loads(line), "result": "positive"}
        (verdict,) = await world.send(changed)
        assert verdict["verdict"] == "rejected" and "revision" in verdict["errors"][0]["field"]
        assert await world.words({**changed, "revision": 2}) == ["accepted"]
        assert await world.pool.fetchval("select count(*) from records") == 1
        assert [event.data.result.value for event in await world.events()] == ["negative", "positive"]
        assert await world.words(a_test(1, 1)) == ["duplicate"]


async def test_an_exported_name_of_another_feed_or_a_made_up_one_names_no_record(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1))
        (line,) = (await exported(world, "lab")).content.splitlines()
        stolen = {**json.loads(line), "feed": "other", "result": "positive", "revision": 2}
        forged = {**json.loads(line), "source_id": json.loads(line)["source_id"][:-1] + "x", "revision": 2}
        await world.send(stolen, forged)
        assert await world.pool.fetchval("select revision from records where feed = 'lab' order by received_at") == 1


@pytest.mark.parametrize("form", ["xlsx", "csv"])
async def test_a_sheet_that_is_exported_and_imported_again_changes_nothing(database: str, form: str) -> None:
    household = [
        ["网格编码", "详细地址", "排摸时间", "轮次", "姓名", "身份证号", "体温", "症状"],
        [VILLAGE, "人民路1号", "2022/3/5 9:30", "r1", "𠮷·依明", a_number(1), 37.6, "发热、咳嗽"],
        [VILLAGE, "人民路1号", "2022/3/5 9:30", "r1", "李四", a_number(2), 36.5, "无"],
        [VILLAGE, "人民路2号", "2022/3/5 10:00:05", "r1", "王五", a_number(3), 36.5, None],
    ]
    async with intake(database) as world:
        assert (await upload(world, workbook([TESTS, *(a_test_row(n) for n in range(3))]))).words == {"accepted": 3}
        assert (await upload(world, workbook(household), "household-register")).words == {"accepted": 3}
        before = await books(world)
        for mapping, rows in (("single-tests", 3), ("household-register", 3)):
            answer = await exported(world, "", mapping=mapping, form=form)
            assert f"{mapping}.{form}" in answer.headers["content-disposition"]
            assert (await upload(world, answer.content, mapping)).words == {"duplicate": rows}
        assert await books(world) == before

        table = read_file((await exported(world, "", mapping="single-tests", form=form)).content)[0]
        result, revision = table.rows[0].index("检测结果"), table.rows[0].index("revision")
        table.rows[1][result], table.rows[1][revision] = "阳性", "2"
        changed = await upload(world, written(table.form, table.rows))
        assert changed.words == {"accepted": 1, "duplicate": 2}
        assert (await books(world))["records"] == before["records"]


async def test_whoever_has_no_number_is_known_again_in_a_sheet(database: str) -> None:
    """The line list has a reference and no names, and other kinds of records in its feed."""
    met = ["王某", a_number(5), VILLAGE, "同餐", "2022/3/4 11:30", "2022/3/4 12:30", "JX-1", VILLAGE]
    head = ["姓名", "身份证号码", "现住址区划代码", "接触方式", "首次接触时间", "末次接触时间"]
    contacts = workbook([[*head, "关联病例编号", "关联病例区划代码"], met])
    async with intake(database) as world:
        assert (await upload(world, CASES.read_bytes(), "tianjin-2020")).words == {"accepted": 135}
        assert (await upload(world, contacts, "close-contacts")).words == {"accepted": 1}
        before = await books(world)
        for mapping, rows, others in (("tianjin-2020", 135, 117), ("close-contacts", 1, 0)):
            answer = await exported(world, "", mapping=mapping)
            again = await upload(world, answer.content, mapping)
            assert (int(answer.headers["left-out"]), again.words) == (others, {"duplicate": rows})
            assert again.about["unread"] == []
        assert await books(world) == before


async def test_a_household_of_which_nobody_was_met_is_exported_too(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_household(1, 1, feed="sheet-household-register", members=[]))
        sheet = (await exported(world, "", mapping="household-register")).content
        assert (await upload(world, sheet, "household-register")).words == {"duplicate": 1}


async def test_an_export_needs_the_role_and_a_purpose_keeps_to_the_division_and_is_recorded(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2))
        query = {"feed": "lab", "since": SINCE, "purpose": "reporting"}
        assert (await world.client.get("/records/export", params=query)).status_code == 403
        await exported(world, "lab", note="月报")
        looks = await world.pool.fetch("select caller, act, purpose, note, allowed from vault_accesses")
        assert {tuple(look) for look in looks} == {("reader", "opening", "reporting", "月报", True)} and len(looks) == 2
        for wrong in ({"purpose": "curiosity"}, {"since": "2022-03-05T00:00:00"}, {"feed": ""}):
            elsewhere = make_token(SecretStr(KEY), "reader", frozenset({"identity-reader"}), "3301")
            headers = {"authorization": f"Bearer {elsewhere}"}
            answer = await world.client.get("/records/export", params=query | wrong, headers=headers)
            assert answer.status_code == 422, wrong
        nothing = await world.client.get("/records/export", params=query, headers=headers)
        assert (nothing.content, nothing.headers["left-out"]) == (b"", "0")


async def test_a_long_export_is_read_page_by_page(database: str) -> None:
    async with intake(database) as world:
        await world.send(*(a_test(n, n) for n in range(5)))
        seen, after = list[bytes](), "0"
        while after:
            answer = await exported(world, "lab", limit=2, after=after if seen else "")
            seen += answer.content.splitlines()
            after = answer.headers["next-after"]
        assert len(set(seen)) == 5 and await world.words(*seen) == ["duplicate"] * 5
