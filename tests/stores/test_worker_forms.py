"""The forms of the worker's page in a real browser: each tap counts once, and what is corrected is so everywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from contracts.events.canvassing import HouseholdCanvassed
from contracts.events.quarantine import SamplingDue
from tests.stores.duty_records import a_presence, a_register, a_round, an_assignment
from tests.stores.grid_world import AT, NOON, WORKER, at_noon, care, hear, ids
from tests.stores.intake_world import GRID, World, a_person, intake
from tests.stores.phone import Phone, needs_chromium, phone_of

HOME = "杨柳新村 1 号"


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    """Three people in one home in an open round; the third is known to be away."""
    async with intake(database, clock="stage") as its:
        await at_noon(its)
        home = a_register(
            GRID, 1, [a_person(n) for n in (1, 2, 3)], dwelling={"ref": "door-1", "address": HOME}, registered_at=AT
        )
        away = a_presence(GRID, a_person(3), since_at=AT, where="上海")
        assert set(await its.words(home, away, a_round(GRID), an_assignment(GRID, WORKER))) == {"accepted"}
        yield its


async def met(world: World) -> list[str]:
    """Who was met in the round."""
    names = {person_id: name for name, person_id in (await ids(world)).items()}
    rows = await world.pool.fetch("select person_id from residents where round_id <> ''")
    return sorted(names[row["person_id"]] for row in rows)


@needs_chromium
async def test_everybody_is_well_says_nothing_of_whom_is_away(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        page = phone.page
        await phone.sign_in(WORKER)
        await page.get_by_text(HOME, exact=True).click()
        await page.get_by_text("✓ 全部正常").click()
        await phone.picture("form")
        await page.get_by_text("保存", exact=True).click()
        await expect(page.locator("#line")).to_contain_text("已全部发送")
        assert await met(world) == ["王某1", "王某2"]
        await expect(page.get_by_text(HOME, exact=True)).to_have_count(0)


def row_of(page: Page, name: str) -> Locator:
    return page.locator(f'[data-person="{name}"]')


async def correct(phone: Phone, name: str, state: str, why: str) -> None:
    """How this person was after all."""
    page = phone.page
    await phone.tab("entries")
    await page.get_by_text("更正", exact=True).last.click()
    await row_of(page, name).get_by_text(state).click()
    await page.fill('[name="why"]', why)
    await page.get_by_text("保存", exact=True).click()


@needs_chromium
async def test_what_is_corrected_twice_before_it_is_sent_is_still_a_correction_and_can_be_undone(
    world: World, tmp_path: Path
) -> None:
    sent = "() => { GW.wire.state.expired = false; GW.wire.flush(); }"
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await phone.household(HOME)
        await expect(line).to_contain_text("已全部发送")
        for undone in (False, True):
            await page.evaluate("GW.wire.state.expired = true")
            await correct(phone, "王某1", "⚠ 不适", "发热")
            await correct(phone, "王某1", "✓ 正常", "没有发热")
            if undone:
                await page.get_by_text(re.compile("撤销（")).click()
            await page.evaluate(sent)
            await expect(line).to_contain_text("已全部发送")
            await expect(line).not_to_contain_text("被退回")
        said = [event.data for event in await world.events() if isinstance(event.data, HouseholdCanvassed)]
    assert [(fact.revision, fact.withdrawn) for fact in said] == [(1, False), (2, False), (4, True)]


SLOW = """() => {
    const put = GW.store.put, drop = GW.store.drop, later = ms => new Promise(resolve => setTimeout(resolve, ms));
    GW.store.put = async (...all) => { await later(300); return put(...all); };
    GW.store.drop = async (...all) => { await later(300); return drop(...all); };
}"""
ENTRIES = "() => GW.entries.all().map(each => each.record.kind)"


@needs_chromium
async def test_two_taps_on_a_slow_phone_are_one_entry_and_undo_one_entry(world: World, tmp_path: Path) -> None:
    one = (await ids(world))["王某1"]
    due = SamplingDue(statement_id="s", person_id=one, tube_id="t", since_at=NOON)
    lead = {"feed": "letters", "source_id": "l", "kind": "lead", "division_code": GRID, **a_person(9, name="寻某")}
    lead |= {"source": "letter", "received_at": AT}
    assert await world.words(lead) == ["accepted"]
    await hear(world, care(one), due)
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await expect(page.locator(".card.lead")).to_be_visible()
        await phone.network.away()
        await page.evaluate(SLOW)
        await page.click(".card.visit")
        await page.get_by_text("保存", exact=True).dblclick()
        await page.click(".card.sampling")
        await page.fill('[name="tube"]', "管-77")
        await page.get_by_text("已采样，保存").dblclick()
        await page.click(".card.lead")
        await page.get_by_text("✓ 已找到本人").click()
        await page.get_by_text("查无此人").click()
        await expect(line).to_contain_text("3 条待发送")
        await page.get_by_text(HOME, exact=True).click()
        await page.get_by_text("没人在家", exact=True).dblclick()
        await expect(line).to_contain_text("4 条待发送")
        await page.get_by_text(HOME, exact=True).click()
        await page.get_by_text("✓ 全部正常").click()
        await page.get_by_text("保存", exact=True).dblclick()
        await expect(line).to_contain_text("5 条待发送")
        kinds = ["visit", "tube", "lead-landed", "canvass-attempt", "household-visit"]
        assert await page.evaluate(ENTRIES) == kinds
        await page.evaluate("GW.entries.all().forEach(each => { each.tried = false; })")
        await phone.tab("entries")
        await page.get_by_text(re.compile("撤销（")).last.dblclick()
        await expect(page.locator(".entry")).to_have_count(4)
        assert await page.evaluate(ENTRIES) == kinds[1:]


@needs_chromium
async def test_whoever_turns_out_to_be_away_or_not_to_be_is_so_after_the_correction(
    world: World, tmp_path: Path
) -> None:
    told = "select state, where_words, back_at::date::text from presences where person_id = $1"
    second = (await ids(world))["王某2"]
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await phone.household(HOME)
        await expect(line).to_contain_text("已全部发送")
        for where in ("杭州", "宁波", ""):
            await phone.tab("entries")
            await page.locator(".entry", has_text="入户排摸").get_by_text("更正", exact=True).click()
            row = row_of(page, "王某2")
            if where:
                await row.get_by_text("→ 不在").click()
                await row.locator('[name="where"]').fill(where)
                await row.locator('[name="back_on"]').fill("2022-03-09")
                await phone.picture(where)
            else:
                await row.get_by_text("✓ 正常").click()
            await page.fill('[name="why"]', "问了邻居")
            await page.get_by_text("保存", exact=True).click()
            await expect(page.locator("#tabs button")).to_have_count(3)
            await expect(line).to_contain_text("已全部发送")
            rows = [tuple(row) for row in await world.pool.fetch(told, second)]
            assert rows == ([("away", where, "2022-03-09")] if where else [])
            assert await met(world) == (["王某1"] if where else ["王某1", "王某2"])
        await phone.tab("entries")
        await expect(page.locator(".entry.undone")).to_have_count(1)
        await phone.picture("entries")
