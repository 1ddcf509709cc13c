"""Searching: who is meant is found in one's own division and nobody else; each look is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from services.intake import searching
from services.intake.opening import Purpose
from services.intake.vault import BUCKET_BITS
from tests.stores.intake_world import World, a_household, a_number, a_test, intake
from tests.stores.legible import illegible
from tests.stores.phone import TOO_SMALL, needs_chromium, phone_of

OLD, NEW = "o" * 32, "n" * 32
PURPOSES = "() => [...document.querySelectorAll('#purpose option')].map(each => each.value)"
READER = ("reader", "identity-reader")


async def found(world: World, query: str, caller: str = "3304", **more: Any) -> dict[str, Any]:
    headers = world.signed_in(*READER, division=caller)
    asked = {"purpose": "tracing", "query": query, **more}
    return dict((await world.client.post("/people/searches", json=asked, headers=headers)).raise_for_status().json())


async def names(world: World, query: str, **more: Any) -> list[str]:
    return [each["name"] for each in (await found(world, query, **more))["people"]]


def a_person_called(n: int, name: str, **more: Any) -> dict[str, Any]:
    record = a_test(n, n, **more)
    return {**record, "person": {**record["person"], "name": name}}


async def test_by_name_initials_last_four_case_number_and_dwelling(database: str) -> None:
    async with intake(database) as world:
        await world.send(
            a_person_called(1, "王小明", person_ref="病例 17"),
            a_person_called(2, "王晓梅"),
            a_person_called(3, "单小明"),
            a_household(4, 4, dwelling={"ref": "door-4", "address": "杨柳新村3幢2单元501室"}),
        )
        for query, expected in (
            ("王小明", ["王小明"]),
            ("小明", ["单小明", "王小明"]),
            ("wxm", ["王小明", "王晓梅"]),
            ("sxm", ["单小明"]),
            ("0002", ["王晓梅"]),
            (a_number(3)[-4:], ["单小明"]),
            (a_number(3), ["单小明"]),
            ("138-0000-0001", ["王小明"]),
            ("病例 17", ["王小明"]),
            ("王大明", []),
        ):
            assert await names(world, query) == expected, query
        for query in ("3-2-501", "杨柳新村3幢2单元501", "door-4"):
            [dwelling] = (await found(world, query))["dwellings"]
            assert dwelling["address"] == "杨柳新村3幢2单元501室"
            assert [one["name"] for one in dwelling["residents"]] == ["王某4"]
        assert (await found(world, "柳树新村3幢2单元501"))["dwellings"] == []


async def test_numbers_are_shown_by_their_ends_and_every_look_is_recorded(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1))
        [person] = (await found(world, "王某1", note="a call at noon"))["people"]
        assert (person["phone_ends"], person["id_number_ends"]) == ("0001", a_number(1)[-4:])
        assert person["division_name"].startswith("嘉善县")
        assert a_number(1) not in str(person) and "13800000001" not in str(person)
        rows = await world.pool.fetch("select caller, act, purpose, note, person_id from vault_accesses")
    assert [tuple(row) for row in rows] == [("reader", "search", "tracing", "a call at noon", person["person_id"])]


async def test_nobody_outside_the_division_is_found_and_the_role_is_needed(database: str) -> None:
    async with intake(database) as world:
        await world.send(a_test(1, 1), a_test(2, 2, division_code="330482"))
        assert len((await found(world, "wm"))["people"]) == 2
        for caller, seen in (("330482", 1), ("330421", 1), ("33", 2), ("", 2), ("1101", 0)):
            assert len((await found(world, "wm", caller))["people"]) == seen, caller
        [narrowed] = (await found(world, "wm", "", division="330482"))["people"]
        assert narrowed["division_code"] == "330482"
        answer = await world.client.post(
            "/people/searches", json={"purpose": "tracing", "query": "wm"}, headers=world.signed_in("clerk", "operator")
        )
    assert answer.status_code == 403 and "identity-reader" in answer.text


async def test_a_corrected_name_is_found_and_the_wrong_one_no_more_before_and_after_the_key_is_turned(
    database: str,
) -> None:
    async with intake(database, vault_key=OLD) as world:
        await world.send(a_person_called(1, "王小明"), a_household(2, 2))
        await world.send({**a_person_called(1, "汪小明"), "revision": 2})
        assert (await names(world, "王小明"), await names(world, "汪小明")) == ([], ["汪小明"])
        before = await world.pool.fetchval("select count(*) from vault_words")
    async with intake(database, vault_key=f"2:{NEW} 1:{OLD}") as world:
        assert await names(world, "wxm") == ["汪小明"]
        await world.turn_keys()
    async with intake(database, vault_key=f"2:{NEW}") as world:
        assert await names(world, "wxm") == ["汪小明"]
        assert len((await found(world, "人民路2号"))["dwellings"]) == 1
        assert await world.pool.fetchval("select count(*) from vault_words") == before


async def test_a_bucket_is_shared_by_many_and_says_nothing_of_the_county(database: str) -> None:
    async with intake(database) as world:
        await world.send(*(a_person_called(n, f"{chr(0x4E00 + n)}某") for n in range(300)))
        kept = await world.pool.fetch("select bucket, count(*) from vault_words group by 1")
    assert all(0 <= row[0] < 4 << BUCKET_BITS for row in kept)
    assert max(row[1] for row in kept) > 1


async def test_who_shares_a_word_with_too_many_is_told_to_say_more(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_SHOWN", 2)
    async with intake(database) as world:
        await world.send(*(a_test(n, n) for n in range(3)))
        assert [len((await found(world, "wm"))["people"]), (await found(world, "wm"))["more"]] == [2, True]
        assert (await found(world, "王某1"))["more"] is False


@needs_chromium
async def test_the_page_finds_by_initials_and_by_dwelling_in_both_languages(database: str, tmp_path: Path) -> None:
    async with intake(database) as world:
        home = {"ref": "door-4", "address": "杨柳新村3幢2单元501室"}
        await world.send(a_person_called(1, "王小明"), a_person_called(2, "王晓梅"), a_household(4, 4, dwelling=home))
        token = world.signed_in(*READER, division="3304")["authorization"].removeprefix("Bearer ")
        async with phone_of(world, tmp_path) as phone:
            page = phone.page
            await page.goto(f"{phone.network.url}/find#token={token}")
            assert {*await page.evaluate(PURPOSES)} == {*Purpose}
            await page.fill("#query", "wxm")
            await page.press("#query", "Enter")
            await expect(page.locator("#people")).to_contain_text("王晓梅")
            await expect(page.locator("#said")).to_have_text("2 人，0 处住所")
            assert token not in page.url and await page.evaluate(TOO_SMALL) == []
            await page.get_by_text("English").click()
            await page.fill("#query", "3-2-501")
            await page.press("#query", "Enter")
            await expect(page.locator("#dwellings")).to_contain_text("王某4")
            await expect(page.locator("#said")).to_have_text("0 people, 1 dwellings")
            assert await illegible(page) == []
            await page.fill("#token", "none")
            await page.press("#query", "Enter")
            await expect(page.locator("#wrong")).to_contain_text("ask for a new one")
            await phone.network.away()
            await page.press("#query", "Enter")
            await expect(page.locator("#wrong")).to_have_text("No connection")
