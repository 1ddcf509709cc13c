"""The worker's page in a real browser: a list, a door, thirty entries without a signal, a signal again, sign-out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from contracts.events.canvassing import HouseholdCanvassed
from services.intake.worker_routes import POLICY
from tests.stores.duty_records import a_register, a_round, an_assignment
from tests.stores.grid_world import WORKER, at_noon
from tests.stores.intake_world import GRID, World, a_person, intake
from tests.stores.legible import illegible
from tests.stores.phone import TOO_SMALL, needs_chromium, phone_of

HOMES, DOORS_OFFLINE, AT_ONCE = 33, 30, 30
PLANTED = "欧阳海棠"


def door(n: int) -> str:
    return f"杨柳新村 {n:02d} 号"


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    async with intake(database, clock="stage") as its:
        await at_noon(its)
        homes = [
            a_register(GRID, n, [a_person(n, name=f"{PLANTED}{n}")], dwelling={"ref": f"door-{n}", "address": door(n)})
            for n in range(1, HOMES + 1)
        ]
        assert set(await its.words(*homes, a_round(GRID), an_assignment(GRID, WORKER))) == {"accepted"}
        yield its


async def canvassed(world: World) -> list[HouseholdCanvassed]:
    return [event.data for event in await world.events() if isinstance(event.data, HouseholdCanvassed)]


@needs_chromium
async def test_thirty_doors_without_a_signal_arrive_once_each_with_the_time_of_then(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        line = phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await expect(phone.page.locator(".progress")).to_contain_text(f"0/{HOMES}")
        await phone.household(door(1))
        await expect(line).to_contain_text("已全部发送")
        assert len(await canvassed(world)) == 1
        await phone.network.away()
        await phone.tab("grid")
        for words, homes in (("oyht", AT_ONCE), ("00000007", 1), ("wxyz", 0), ("", AT_ONCE)):
            await phone.page.fill('[name="find"]', words)
            await expect(phone.page.locator("#homes .card")).to_have_count(homes)
        for n in range(2, 2 + DOORS_OFFLINE):
            await phone.household(door(n))
        await expect(line).to_contain_text("没有网络")
        await expect(line).to_contain_text(f"{DOORS_OFFLINE} 条待发送")
        await phone.page.reload()
        await expect(line).to_contain_text(f"{DOORS_OFFLINE} 条待发送")
        assert len(await canvassed(world)) == 1
        await world.pool.execute("update stage set now_at = now_at + interval '5 hours'")
        await phone.network.back()
        await phone.page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(line).to_contain_text("已全部发送")
        said = await canvassed(world)
        await phone.tab("today")
        await expect(phone.page.locator("main .card")).to_have_count(HOMES - 1 - DOORS_OFFLINE)
        await phone.page.evaluate("GW.wire.flush()")
        assert len(await canvassed(world)) == 1 + DOORS_OFFLINE
    assert len({fact.dwelling_id for fact in said}) == 1 + DOORS_OFFLINE
    assert {f"{fact.canvassed_at:%H}" for fact in said} == {"12"}  # not five hours later, when they arrived


@needs_chromium
async def test_what_the_phone_keeps_names_nobody_and_is_gone_after_sign_out_and_after_a_day(
    world: World, tmp_path: Path
) -> None:
    boxes = """async () => (await indexedDB.databases()).length"""
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await phone.household(door(1))
        await expect(phone.page.locator("#line")).to_contain_text("已全部发送")
        assert await phone.page.evaluate(boxes) == 1
        for text in (PLANTED, "杨柳新村"):
            for form in ("utf-8", "utf-16-le"):
                assert text.encode(form) not in phone.kept()
        assert b"gridward" in phone.kept()  # the store is where this test looks
        await phone.page.click("#leave")
        await expect(phone.page.get_by_text("本机资料已清空")).to_be_visible()
        assert await phone.page.evaluate(boxes) == 0
        assert await phone.page.evaluate("sessionStorage.length") == 0
        await phone.sign_in(WORKER)
        await phone.page.clock.install()
        await phone.page.reload()
        await expect(phone.page.locator(".progress")).to_be_visible()
        await phone.page.clock.fast_forward("24:01:00")
        await expect(phone.page.get_by_text("已满 24 小时")).to_be_visible()
        assert await phone.page.evaluate(boxes) == 0


@needs_chromium
async def test_an_enter_that_takes_a_word_of_the_input_method_sends_nothing(world: World, tmp_path: Path) -> None:
    compose = "({type, key}) => document.activeElement.dispatchEvent(type === 'keydown'"
    compose += " ? new KeyboardEvent(type, {key, bubbles: true}) : new CompositionEvent(type, {bubbles: true}))"
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await phone.page.get_by_text(door(1), exact=True).click()
        await phone.page.get_by_text("＋ 还有人住在这里").first.click()
        await phone.page.fill('[name="name"]', "xiao")
        for event in ({"type": "compositionstart"}, {"type": "keydown", "key": "Enter"}):
            await phone.page.evaluate(compose, event)
        await expect(phone.page.locator("fieldset.member")).to_have_count(1)
        await phone.page.evaluate(compose, {"type": "compositionend"})
        await phone.page.fill('[name="name"]', "小林")
        await phone.page.press('[name="name"]', "Enter")
        await expect(phone.page.locator("fieldset.member")).to_have_count(2)


@needs_chromium
async def test_a_returned_entry_is_mended_a_wrong_one_undone_and_a_sent_one_corrected(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await page.get_by_text(door(1), exact=True).click()
        await page.get_by_text("＋ 还有人住在这里").first.click()
        await page.fill('[name="name"]', "小林")
        await page.fill('[name="id_number"]', "330499195001010003")
        await page.press('[name="id_number"]', "Enter")
        await page.get_by_text("保存", exact=True).click()
        await expect(line).to_contain_text("1 条被退回")
        await phone.tab("entries")
        await expect(page.locator(".error")).to_contain_text("校验位不符")
        await page.get_by_text("修改后重发").click()
        await page.locator("fieldset.member").nth(1).get_by_text("→ 不在").click()
        await page.locator("fieldset.member").nth(0).get_by_text("✓ 正常").click()
        await page.get_by_text("保存", exact=True).click()
        await expect(page.locator(".wrong")).to_contain_text("更正原因")
        await page.fill('[name="why"]', "号码抄错")
        await page.get_by_text("保存", exact=True).click()
        await expect(line).to_contain_text("已全部发送")
        await page.get_by_text("更正", exact=True).click()
        await page.get_by_text("⚠ 不适").first.click()
        await page.fill('[name="temperature"]', "38.2")
        await page.fill('[name="why"]', "当时没有量")
        await page.get_by_text("保存", exact=True).click()
        await expect(page.locator(".entry.sent")).to_have_count(1)
        await expect(line).to_contain_text("已全部发送")
        await page.get_by_text(re.compile("撤销（")).click()
        await expect(page.locator(".entry.undone")).to_have_count(1)
        await expect(line).to_contain_text("已全部发送")
        last = [(fact.revision, fact.withdrawn) for fact in await canvassed(world)]
        await phone.tab("today")
        await expect(page.locator(".progress")).to_contain_text(f"0/{HOMES}")
    assert [withdrawn for _, withdrawn in last] == [False, False, True]
    assert last == sorted(last)


@needs_chromium
async def test_what_cannot_well_be_is_asked_and_a_tap_says_that_it_is_so(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await page.get_by_text(door(1), exact=True).click()
        await page.get_by_text("⚠ 不适").first.click()
        await page.fill('[name="temperature"]', "31")
        await page.get_by_text("保存", exact=True).click()
        await expect(line).to_contain_text("1 条请核对")
        await phone.tab("entries")
        await expect(page.locator(".check")).to_contain_text("体温数值异常")
        await page.get_by_text("确实如此", exact=True).click()
        await expect(page.locator(".check")).to_have_count(0)
        await expect(line).to_contain_text("已全部发送")
        confirmed = await world.pool.fetchval("select count(*) from doubts where confirmed_at is not null")
    assert confirmed == 1


@needs_chromium
async def test_everything_to_tap_is_44_pixels_high_and_every_part_is_served_strictly(
    world: World, tmp_path: Path
) -> None:
    wider = "() => document.documentElement.scrollWidth > window.innerWidth"
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER, "en")
        for tab in ("today", "grid", "entries"):
            await phone.tab(tab)
            await phone.picture(tab)
            assert (await phone.page.evaluate(TOO_SMALL), await phone.page.evaluate(wider)) == ([], False)
            assert await illegible(phone.page) == []
        await phone.tab("today")
        await phone.page.get_by_text(door(1), exact=True).click()
        await phone.page.get_by_text("⚠ Ill").click()
        await phone.picture("form")
        assert (await phone.page.evaluate(TOO_SMALL), await phone.page.evaluate(wider)) == ([], False)
        assert await illegible(phone.page) == []
        served = await phone.page.request.get(f"{phone.network.url}/worker/app.js")
    assert served.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY and "*" not in POLICY


@needs_chromium
async def test_what_arrives_disturbs_neither_a_tap_nor_what_is_typed_nor_the_keyboard(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page, arrives = phone.page, "GW.wire.refresh(true)"
        await phone.sign_in(WORKER)
        await expect(page.locator(".progress")).to_contain_text(f"0/{HOMES}")
        await page.hover("#tab-grid")
        await page.mouse.down()
        await page.evaluate(arrives)
        await page.mouse.up()
        await expect(page.locator("#tab-grid")).to_have_attribute("aria-pressed", "true")
        await page.locator('[name="find"]').press_sequentially("oyh")
        await page.evaluate(arrives)
        await page.keyboard.type("t")
        await expect(page.locator('[name="find"]')).to_have_value("oyht")
        await page.fill('[name="find"]', "")
        await expect(page.locator("#homes .card")).to_have_count(AT_ONCE)
        for tab in ("grid", "today"):
            await phone.tab(tab)
            card = page.locator(".card", has_text=door(8))
            await card.focus()
            for _ in range(2):
                await page.evaluate(arrives)
                await expect(card).to_be_focused()
        box = await page.locator("#tab-entries").bounding_box()
        assert box
        finger, at = await page.context.new_cdp_session(page), {"x": box["x"] + 20, "y": box["y"] + 20}
        await finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
        await page.evaluate(arrives)
        await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        await expect(page.locator("#tab-entries")).to_have_attribute("aria-pressed", "true")


@needs_chromium
async def test_a_lead_and_a_need_are_closed_by_a_tap_without_a_signal_and_arrive_once(
    world: World, tmp_path: Path
) -> None:
    lead = {"feed": "letters", "source_id": "l", "kind": "lead", "division_code": GRID, **a_person(91, name="寻某")}
    need = {"feed": "page", "source_id": "n", "kind": "need", "division_code": GRID, **a_person(1), "need": "medicine"}
    lead |= {"source": "letter", "reference": "函〔2022〕12号", "received_at": "2022-03-05T11:00:00+08:00"}
    assert set(await world.words(lead, {**need, "asked_at": "2022-03-05T10:00:00+08:00"})) == {"accepted"}
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await expect(page.locator(".card.lead")).to_contain_text("寻某")
        await expect(page.locator(".card.lead")).to_contain_text("协查函")
        await expect(page.locator(".card.need")).to_contain_text("药品")
        await phone.network.away()
        await page.click(".card.need")
        await page.get_by_text("✓ 已办好").click()
        await page.click(".card.lead")
        assert await page.evaluate(TOO_SMALL) == []
        await page.get_by_text("办结", exact=True).click()
        await expect(page.locator(".wrong")).to_contain_text("请选择结果")
        await page.get_by_text("✓ 已找到本人").click()
        await expect(line).to_contain_text("2 条待发送")
        await expect(page.locator(".card.lead, .card.need")).to_have_count(0)
        await phone.network.back()
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(line).to_contain_text("已全部发送")
        said = [event.type for event in await world.events()]
        assert (said.count("lead-landed"), said.count("need-met")) == (1, 1)
        await phone.tab("entries")
        await page.get_by_text(re.compile("撤销（")).nth(0).click()
        await expect(page.locator(".entry.undone")).to_have_count(1)
        await expect(line).to_contain_text("已全部发送")
        await phone.tab("today")
        await expect(page.locator(".card.lead")).to_have_count(1)
