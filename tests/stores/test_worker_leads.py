"""Leads on the worker's page in a real browser: passed on without a signal, in both languages, large enough to tap."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from contracts.events.leads import LeadPassedOn
from tests.stores.duty_records import an_assignment
from tests.stores.grid_world import OTHER_GRID, WORKER, as_, at_noon, listed
from tests.stores.intake_world import GRID, VILLAGE, World, a_person, intake
from tests.stores.legible import illegible
from tests.stores.phone import TOO_SMALL, Phone, needs_chromium, phone_of

NAME, REFERENCE = "寻某", "函〔2022〕12号"
WIDER = "() => document.documentElement.scrollWidth > window.innerWidth"
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    async with intake(database, clock="stage") as its:
        await at_noon(its)
        lead = {"feed": "letters", "source_id": "l", "kind": "lead", "division_code": GRID, **a_person(91, name=NAME)}
        lead |= {"source": "letter", "reference": REFERENCE, "received_at": "2022-03-05T11:00:00+08:00"}
        assert set(await its.words(an_assignment(GRID, WORKER), lead)) == {"accepted"}
        yield its


async def passed_on(world: World) -> list[Any]:
    return [event for event in await world.events() if isinstance(event.data, LeadPassedOn)]


async def looks_right(page: Page) -> None:
    """Nothing that cannot be read well, nothing to tap under 44 px, nothing beyond the right edge."""
    assert (await illegible(page), await page.evaluate(TOO_SMALL), await page.evaluate(WIDER)) == ([], [], False)


async def chosen(phone: Phone, words: str, place: str, reason: str) -> None:
    await phone.page.fill('[name="pass_find"]', words)
    await phone.page.locator("details.pass .option", has_text=place).click()
    await phone.page.fill('[name="pass_reason"]', reason)


@needs_chromium
async def test_a_lead_is_passed_on_with_a_reason_without_a_signal_and_arrives_once_where_it_belongs(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await expect(page.locator(".card.lead")).to_contain_text(NAME)
        await phone.network.away()
        await page.click(".card.lead")
        await page.get_by_text("应由其他区域核查，转出").click()
        await expect(page.locator("details.pass .option").first).to_have_attribute("data-value", VILLAGE)
        await page.get_by_text("转出", exact=True).click()
        await expect(page.locator("#wrong")).to_contain_text("请选择转往何处")
        await chosen(phone, "二网格", "二网格", "已搬到二网格")
        await looks_right(page)
        await page.get_by_text("转出", exact=True).click()
        await expect(line).to_contain_text("1 条待发送")
        await expect(page.locator(".card.lead")).to_have_count(0)
        await phone.network.back()
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(line).to_contain_text("已全部发送")
        await page.evaluate("GW.wire.flush()")
        [event] = await passed_on(world)
        assert (event.division, event.data.to_division_code, event.data.reason) == (GRID, OTHER_GRID, "已搬到二网格")
        assert f"{event.data.passed_at:%H}" == "12"
        await world.words(an_assignment(OTHER_GRID, "worker-2"))
        there = await as_(world, "worker-2", division=OTHER_GRID)
        assert [kind for kind, _ in await listed(there)] == ["lead"]
        await phone.tab("entries")
        await expect(page.locator(".entry")).to_contain_text("二网格")
        await page.get_by_text(re.compile("撤销（")).click()
        await expect(page.locator(".entry.undone")).to_have_count(1)
        await expect(line).to_contain_text("已全部发送")
        await phone.tab("today")
        await expect(page.locator(".card.lead")).to_have_count(1)
    assert await listed(there) == []


@needs_chromium
async def test_the_page_of_a_lead_is_in_english_large_enough_and_a_name_in_the_reason_comes_back_to_be_mended(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER, "en")
        await expect(page.locator(".card.lead")).to_contain_text("Co-investigation letter")
        await page.click(".card.lead")
        await page.get_by_text("Not ours: pass it on").click()
        await page.get_by_text("Pass on", exact=True).click()
        await expect(page.locator("#wrong")).to_contain_text("Choose where it goes")
        await expect(page.locator("#wrong")).to_be_in_viewport()
        await page.fill('[name="pass_find"]', "nowhere")
        await expect(page.locator("details.pass")).to_contain_text("None found")
        await looks_right(page)
        words = (await page.inner_text("main")).replace(NAME, "").replace(REFERENCE, "")
        assert CHINESE.findall(words) == []
        await chosen(phone, OTHER_GRID, "二网格", f"{NAME} 已搬走")
        await looks_right(page)
        await page.get_by_text("Pass on", exact=True).click()
        await expect(line).to_contain_text("1 returned")
        await phone.tab("entries")
        await looks_right(page)
        words = await page.inner_text(".entry")
        assert CHINESE.findall(words) == [NAME, "日晖社区", "二网格"]
        await page.get_by_text("Mend and send").click()
        await page.get_by_text("Not ours: pass it on").click()
        await chosen(phone, OTHER_GRID, "二网格", "moved within the village")
        await page.fill('[name="why"]', "it named the person")
        await page.get_by_text("Pass on", exact=True).click()
        await expect(page.locator(".entry.sent")).to_have_count(1)
        await world.words(an_assignment(OTHER_GRID, WORKER))
        await phone.tab("today")
        await page.get_by_text("↻ Refresh").click()
        await expect(page.locator(".card.lead")).to_have_count(1)
        await page.click(".card.lead")
        await expect(page.locator("main")).to_contain_text("Passed on because: moved within the village")
    assert [event.data.reason for event in await passed_on(world)] == ["moved within the village"]


async def test_a_worker_may_choose_divisions_above_and_beside_and_of_grids_those_that_the_token_covers(
    world: World,
) -> None:
    seen = []
    for division in (VILLAGE, GRID):
        worker = await as_(world, division=division)
        seen.append((await worker.get("/roster")).raise_for_status().json()["passed_to"])
    village, grid = ({each["division_code"]: each["name"] for each in places} for places in seen)
    assert {VILLAGE, VILLAGE[:9], VILLAGE[:6], "330402", GRID, OTHER_GRID} <= village.keys()
    assert village[OTHER_GRID].endswith(" 二网格") and village["330402"] == "南湖区"
    assert all(code.startswith("3304") for code in village)
    assert village.keys() - grid.keys() == {OTHER_GRID}
