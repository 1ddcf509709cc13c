"""Whoever is away, on the worker's page: told with the household in one go, taken back with it, mended by itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from contracts.events.canvassing import HouseholdCanvassed
from tests.stores.duty_records import a_register, a_round, an_assignment
from tests.stores.grid_world import AT, WORKER, as_, at_noon, care, hear, ids, listed
from tests.stores.intake_world import GRID, World, a_person, intake
from tests.stores.legible import illegible
from tests.stores.phone import TOO_SMALL, Phone, needs_chromium, phone_of

ALONE, PAIR = "杨柳新村 1 号", "杨柳新村 2 号"
SENT = "已全部发送"
YESTERDAY = "2022-03-04"
"""Nobody who is away since today is back by then: such a presence is returned."""
ENTRIES = "() => GW.entries.all().map(each => [each.record.kind, each.state, each.record.revision || 1])"


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    """At noon, in an open round: one who lives alone, and two who live together."""
    async with intake(database, clock="stage") as its:
        await at_noon(its)
        homes = [
            a_register(
                GRID, n, [a_person(each) for each in people], dwelling={"ref": f"d-{n}", "address": address},
                registered_at=AT,
            )
            for n, address, people in ((1, ALONE, (1,)), (2, PAIR, (2, 3)))
        ]  # fmt: skip
        assert set(await its.words(*homes, a_round(GRID), an_assignment(GRID, WORKER))) == {"accepted"}
        yield its


def entry(phone: Phone, kind: str) -> Locator:
    return phone.page.locator(".entry", has_text=kind)


async def open_home(phone: Phone, address: str) -> None:
    await phone.tab("today")
    await phone.page.get_by_text(address, exact=True).click()


async def away(phone: Phone, name: str, where: str = "", back_on: str = "") -> None:
    row = phone.page.locator(f'[data-person="{name}"]')
    await row.get_by_text("→ 不在").click()
    await row.locator('[name="where"]').fill(where)
    await row.locator('[name="back_on"]').fill(back_on)


async def save(phone: Phone) -> None:
    await phone.page.get_by_text("保存", exact=True).click()


async def one_well_one_away(phone: Phone, where: str, back_on: str = "") -> None:
    await open_home(phone, PAIR)
    await phone.page.locator('[data-person="王某2"]').get_by_text("✓ 正常").click()
    await away(phone, "王某3", where, back_on)
    await save(phone)


async def online(phone: Phone) -> None:
    await phone.network.back()
    await phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(phone.page.locator("#line")).to_contain_text(SENT)


async def told_away(world: World) -> list[tuple[str, str | None]]:
    names = {person_id: name for name, person_id in (await ids(world)).items()}
    rows = await world.pool.fetch("select person_id, where_words from presences where state = 'away'")
    return sorted((names[row["person_id"]], row["where_words"]) for row in rows)


async def canvassed(world: World) -> list[tuple[int, int, bool]]:
    said = [each.data for each in await world.events() if isinstance(each.data, HouseholdCanvassed)]
    return [(fact.persons_met, fact.revision, fact.withdrawn) for fact in said]


@needs_chromium
async def test_a_household_all_of_whom_are_away_is_reached_by_one_form_without_a_signal(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await phone.network.away()
        await open_home(phone, ALONE)
        await save(phone)
        await expect(page.locator(".wrong")).to_contain_text("全部选“不在”")
        await phone.picture("nobody_chosen")
        await away(phone, "王某1", "杭州", "2022-03-09")
        await phone.picture("form")
        await save(phone)
        await expect(line).to_contain_text("2 条待发送")
        await open_home(phone, PAIR)
        await away(phone, "王某2")
        await save(phone)
        await expect(page.locator(".wrong")).to_contain_text("全部选“不在”")
        await away(phone, "王某3")
        await save(phone)
        await expect(line).to_contain_text("5 条待发送")
        await expect(page.locator(".card.household")).to_have_count(0)
        await online(phone)
        await expect(page.locator(".progress")).to_contain_text("2/2")
        await phone.tab("entries")
        await expect(entry(phone, "入户排摸").first).to_contain_text("全家不在")
    assert await told_away(world) == [("王某1", "杭州"), ("王某2", None), ("王某3", None)]
    assert await canvassed(world) == [(0, 1, False), (0, 1, False)]
    assert await listed(await as_(world)) == []


@needs_chromium
async def test_who_is_away_is_told_where_nobody_was_reached_too_and_taken_back_with_the_attempt(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await open_home(phone, PAIR)
        await away(phone, "王某3", "宁波")
        await phone.page.get_by_text("没人在家", exact=True).click()
        await expect(phone.page.locator("#line")).to_contain_text(SENT)
        assert await told_away(world) == [("王某3", "宁波")]
        assert len(await listed(await as_(world))) == 2
        await phone.tab("entries")
        await entry(phone, "未见到人").get_by_text(re.compile("撤销（")).click()
        await expect(phone.page.locator(".entry.undone")).to_have_count(2)
        await expect(phone.page.locator("#line")).to_contain_text(SENT)
    assert await told_away(world) == []
    assert await world.pool.fetchval("select count(*) from calls") == 0


@needs_chromium
async def test_an_undo_takes_back_all_that_its_tap_entered_once_each(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await phone.network.away()
        await one_well_one_away(phone, "宁波")
        await expect(line).to_contain_text("2 条待发送")
        await page.evaluate("GW.entries.all().forEach(each => { each.tried = false; })")
        await phone.tab("entries")
        await entry(phone, "入户排摸").get_by_text(re.compile("撤销（")).click()
        await expect(page.locator(".entry")).to_have_count(0)  # nothing of it was ever sent
        await phone.network.back()
        await one_well_one_away(phone, "宁波")
        await expect(line).to_contain_text(SENT)
        assert await told_away(world) == [("王某3", "宁波")]
        await phone.network.away()
        await phone.tab("entries")
        await entry(phone, "入户排摸").get_by_text(re.compile("撤销（")).dblclick()
        await expect(line).to_contain_text("2 条待发送")
        assert await page.evaluate(ENTRIES) == [["presence", "waiting", 2], ["household-visit", "waiting", 2]]
        await online(phone)
        assert await page.evaluate(ENTRIES) == [["presence", "undone", 2], ["household-visit", "undone", 2]]
        await one_well_one_away(phone, "温州")
        await expect(line).to_contain_text(SENT)
        await phone.tab("entries")
        for kind in ("人员去向", "入户排摸"):
            await entry(phone, kind).get_by_text(re.compile("撤销（")).click()
        await expect(page.locator(".entry.undone")).to_have_count(4)
        await expect(line).to_contain_text(SENT)
        assert {revision for _, _, revision in await page.evaluate(ENTRIES)} == {2}
    assert await told_away(world) == []
    assert await canvassed(world) == [(1, 1, False), (1, 2, True)] * 2
    assert len(await listed(await as_(world))) == 2


@needs_chromium
async def test_what_was_undone_before_a_signal_came_stands_nowhere(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await phone.network.away()
        await one_well_one_away(phone, "宁波")
        await expect(phone.page.locator("#line")).to_contain_text("2 条待发送")
        await phone.tab("entries")
        await entry(phone, "入户排摸").get_by_text(re.compile("撤销（")).click()
        await expect(phone.page.locator(".entry:not(.undone)")).to_have_count(0)
        await phone.page.reload()
        await online(phone)
        await phone.tab("entries")
        await expect(phone.page.locator(".entry:not(.undone)")).to_have_count(0)
    assert (await told_away(world), await canvassed(world)) == ([], [])


@needs_chromium
async def test_what_was_asked_for_at_a_health_visit_is_taken_back_with_it(world: World, tmp_path: Path) -> None:
    await hear(world, care((await ids(world))["王某1"]))
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await phone.page.click(".card.visit")
        await phone.page.get_by_text("药品", exact=True).click()
        await save(phone)
        await expect(phone.page.locator(".card.need")).to_have_count(1)
        await phone.tab("entries")
        await entry(phone, "健康随访").get_by_text(re.compile("撤销（")).click()
        await expect(phone.page.locator(".entry.undone")).to_have_count(2)
        await expect(phone.page.locator("#line")).to_contain_text(SENT)
    assert {kind for kind, _ in await listed(await as_(world))} == {"household", "visit"}


@needs_chromium
async def test_a_returned_presence_leaves_the_household_owed_until_it_is_mended(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await one_well_one_away(phone, "杭州", YESTERDAY)
        await expect(line).to_contain_text("1 条被退回")
        await expect(page.locator(".card.household", has_text=PAIR)).to_contain_text("未见到：王某3")
        await phone.tab("entries")
        await expect(page.locator(".entry.rejected")).to_contain_text("人员去向")
        for language, acts in (("zh", ["删除，不再发送", "修改后重发"]), ("en", ["Drop", "Mend and send"])):
            assert await page.locator(".entry.rejected button").all_inner_texts() == acts
            assert (await page.evaluate(TOO_SMALL), await illegible(page)) == ([], [])
            await phone.picture(f"returned_{language}")
            await page.click("#language")
        await page.locator(".entry.rejected").get_by_text("修改后重发").press("Enter")
        await page.fill('[name="where"]', "湖州")
        await page.fill('[name="back_on"]', "2022-03-09")
        await page.press('[name="where"]', "Enter")
        await expect(page.locator(".wrong")).to_contain_text("更正原因")
        await page.fill('[name="why"]', "日期看错")
        await phone.picture("mending")
        assert (await page.evaluate(TOO_SMALL), await illegible(page)) == ([], [])
        await page.press('[name="why"]', "Enter")
        await expect(line).to_contain_text(SENT)
        await expect(line).not_to_contain_text("被退回")
        assert await told_away(world) == [("王某3", "湖州")]
        await phone.tab("today")
        await expect(page.get_by_text(PAIR, exact=True)).to_have_count(0)
        await phone.tab("entries")
        await entry(phone, "入户排摸").get_by_text("更正", exact=True).click()
        await expect(page.locator('[data-person="王某3"] [name="where"]')).to_have_value("湖州")
        await page.fill('[name="where"]', "")
        await page.fill('[name="why"]', "没有去湖州")
        await save(phone)
        await expect(line).to_contain_text(SENT)
    assert await told_away(world) == [("王某3", None)]


@needs_chromium
async def test_a_returned_presence_is_dropped_after_ten_minutes_too_and_its_visit_stays(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await one_well_one_away(phone, "杭州", YESTERDAY)
        await expect(line).to_contain_text("1 条被退回")
        await page.evaluate("GW.entries.all().forEach(each => { each.made_at -= 11 * 60000; })")
        await phone.tab("entries")
        await page.locator(".entry.rejected").get_by_text("删除，不再发送").click()
        await expect(line).not_to_contain_text("被退回")
        await expect(line).to_contain_text(SENT)
        await entry(phone, "入户排摸").get_by_text("更正", exact=True).click()
        pressed = page.locator('[data-person="王某3"] [aria-pressed="true"]')
        await expect(pressed).to_have_count(0)  # of whom nothing is said now
    assert await told_away(world) == []
    assert await canvassed(world) == [(1, 1, False)]


@needs_chromium
async def test_whoever_is_in_no_register_and_away_is_mended_with_the_number(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await open_home(phone, ALONE)
        await page.get_by_text("✓ 全部正常").click()
        await page.get_by_text("＋ 还有人住在这里").first.click()
        await page.fill('[name="name"]', "小林")
        await page.fill('[name="id_number"]', "330499195001010003")
        await page.press('[name="id_number"]', "Enter")
        await away(phone, "小林", "苏州")
        await save(phone)
        await expect(line).to_contain_text("1 条被退回")
        await phone.tab("entries")
        await page.get_by_text("修改后重发").click()
        await page.fill('[name="id_number"]', "330499195001010001")
        await page.fill('[name="why"]', "号码抄错")
        await phone.picture("mending")
        await save(phone)
        await expect(line).to_contain_text(SENT)
        await expect(line).not_to_contain_text("被退回")
    assert await world.pool.fetchval("select where_words from presences") == "苏州"
