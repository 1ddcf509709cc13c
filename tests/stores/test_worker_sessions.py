"""Who is signed in on the worker's page, in a real browser: a new link in an open tab, two tabs, the next worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from pydantic import SecretStr

from contracts.events.canvassing import HouseholdCanvassed
from services.chassis.access import make_token
from tests.chassis.rig import until
from tests.stores.grid_world import WORKER, three_homes
from tests.stores.intake_world import KEY, VILLAGE, World, intake
from tests.stores.legible import illegible
from tests.stores.phone import TOO_SMALL, Phone, needs_chromium, phone_of

HOME, SECOND, NEIGHBOUR = "杨柳新村 1 号", "杨柳新村 2 号", "桃花弄 3 号"


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    async with intake(database, clock="stage") as its:
        await three_homes(its, HOME, SECOND, NEIGHBOUR, round_in=VILLAGE)
        yield its


async def signed_out_by_time(phone: Phone) -> str:
    """The code with which the worker may come back, after the server no longer takes the one in use."""
    expired = make_token(SecretStr(KEY), WORKER, frozenset({"worker"}), VILLAGE, hours=-1)
    await phone.page.evaluate("token => { GW.session.current().token = token; }", expired)
    await phone.household(HOME)
    await expect(phone.page.locator("#line")).to_contain_text("未发送的 1 条仍在本机")
    return make_token(SecretStr(KEY), WORKER, frozenset({"worker"}), VILLAGE, hours=11)


async def opened(phone: Phone, token: str) -> None:
    """A link, in the tab that is open: nothing but the part after # changes."""
    await phone.page.evaluate("token => { location.hash = 'token=' + token; }", token)


async def sent(phone: Phone, world: World, wanted: int) -> None:
    """Until so many visits have arrived, and the page says so."""

    async def arrived() -> bool:
        return sum(isinstance(event.data, HouseholdCanvassed) for event in await world.events()) == wanted

    await until(arrived, f"{wanted} visits")
    await expect(phone.page.locator("#line")).to_contain_text("已全部发送")


@needs_chromium
async def test_a_new_link_in_the_open_tab_signs_in_again_and_what_was_entered_is_sent(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        token = await signed_out_by_time(phone)
        await phone.page.get_by_text(SECOND, exact=True).click()
        await opened(phone, "wrong")
        await opened(phone, token)
        await sent(phone, world, 1)
        assert "token" not in phone.page.url
        await phone.page.get_by_text("✓ 全部正常").click()  # the form that was open still is
        await phone.page.get_by_text("保存", exact=True).click()
        await expect(phone.page.locator(".card.household")).to_have_count(0)
        await sent(phone, world, 2)


@needs_chromium
@pytest.mark.parametrize(
    ("language", "again", "wrong"),
    [("zh", "重新登录", "登录码无效"), ("en", "Sign in again", "The code is wrong")],
    ids=("zh", "en"),
)
async def test_whoever_is_signed_out_by_time_gives_a_code_and_loses_nothing(
    world: World, tmp_path: Path, language: str, again: str, wrong: str
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page = phone.page
        await phone.sign_in(WORKER)
        token = await signed_out_by_time(phone)
        await page.evaluate("language => { GW.language = language; GW.render(); }", language)
        await phone.picture("list")
        await page.get_by_text(again, exact=True).click()
        await page.fill('[name="code"]', "nonsense")
        await page.press('[name="code"]', "Enter")
        await expect(page.locator(".notice")).to_contain_text(wrong)
        await phone.picture("code")
        assert (await page.evaluate(TOO_SMALL), await illegible(page)) == ([], [])
        await page.fill('[name="code"]', token)
        await page.press('[name="code"]', "Enter")
        await expect(page.locator("#again, .notice")).to_have_count(0)
        await page.evaluate("GW.language = 'zh'; GW.render()")
        await sent(phone, world, 1)


@needs_chromium
async def test_a_link_of_another_post_changes_nothing_until_it_is_agreed_to(world: World, tmp_path: Path) -> None:
    async with phone_of(world, tmp_path) as phone:
        page = phone.page
        await phone.sign_in(WORKER)
        await opened(phone, phone.token("neighbour"))
        await expect(page.get_by_role("alertdialog")).to_be_visible()
        await page.get_by_text("取消", exact=True).click()
        await phone.household(HOME)
        await sent(phone, world, 1)
        await opened(phone, phone.token("neighbour"))
        await page.get_by_text("清空并登录").click()
        await expect(page.locator(".card.household strong")).to_have_text([NEIGHBOUR])
        assert await page.evaluate("GW.entries.all()") == []


HELD = """() => [GW.session.current(), GW.wire.state.today, GW.wire.state.roster, sessionStorage.length,
    ...GW.entries.all()]"""
LEFT_OVER = """() => new Promise(resolve => {
    const asked = indexedDB.open('gridward', 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore('boxes');
    asked.onsuccess = () => {
        const turn = asked.result.transaction('boxes', 'readwrite');
        for (const name of ['today', 'roster', 'entry:x'])
            turn.objectStore('boxes').put({ iv: new Uint8Array(12), sealed: new ArrayBuffer(32), waits: true }, name);
        turn.oncomplete = () => { asked.result.close(); resolve(); };
    };
})"""


@needs_chromium
async def test_who_signs_out_in_one_tab_is_signed_out_in_all_and_the_next_worker_finds_an_empty_phone(
    world: World, tmp_path: Path
) -> None:
    link = "{}/worker/?#token={}"
    async with phone_of(world, tmp_path) as phone:
        page = phone.page
        await phone.sign_in(WORKER)
        beside, asleep = await phone.browser.new_page(), await phone.browser.new_page()
        for each in (beside, asleep):
            await each.goto(link.format(phone.network.url, phone.token(WORKER)))
            await expect(each.locator(".card.household")).to_have_count(2)
        await beside.get_by_text(HOME, exact=True).click()
        await asleep.goto("about:blank")
        await page.click("#leave")
        await expect(page.get_by_text("本机资料已清空")).to_be_visible()
        await expect(beside.get_by_text("本机资料已清空")).to_be_visible()
        assert await beside.evaluate(HELD) == [None, None, None, 0]
        await asleep.goto(f"{phone.network.url}/worker/")
        await expect(asleep.get_by_text("本机资料已清空")).to_be_visible()
        await page.evaluate(LEFT_OVER)  # of a tab that was still writing
        await page.goto("about:blank")
        await page.goto(link.format(phone.network.url, phone.token("neighbour")))
        await expect(page.locator(".card.household strong")).to_have_text([NEIGHBOUR])
        assert await page.evaluate("GW.entries.all()") == []
        for each in (beside, asleep):
            await each.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            await expect(each.get_by_text("本机资料已清空")).to_be_visible()
        await expect(page.locator(".card.household strong")).to_have_text([NEIGHBOUR])
