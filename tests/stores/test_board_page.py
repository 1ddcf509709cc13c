"""The board in a real browser: figures by division, drills apart, a way down, no click lost while it is redrawn."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from pydantic import SecretStr

from contracts.indicators import INDICATORS
from services.chassis.access import make_token
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.web import make_web, served
from services.rollup.drift import look_for_drift
from services.rollup.service import SERVICE
from tests.stores.legible import illegible
from tests.stores.phone import DESK, chromium_of, needs_chromium, picture
from tests.stores.rollup_facts import PLACES, T0, a_screening
from tests.stores.rollup_world import read_batches

KEY = SecretStr("k" * 32)
EVENTS = [
    a_screening("s1", person="p1", division=PLACES[0]),
    a_screening("s2", person="p2", division=PLACES[2], celsius=38.4),
    a_screening("s3", person="p3", division=PLACES[5]),
    a_screening("s4", person="p4", division=PLACES[0], drill=True),
]
DRILL = "rgb(122, 31, 162)"


@pytest.fixture
async def board(database: str) -> AsyncIterator[str]:
    """The address of a rollup that has read the events, its drift looked for."""
    settings = Settings(database=database, token_key=KEY)
    pool = await open_pool(SERVICE.name, SERVICE.schema, settings)
    async with pool, pool.acquire() as tx:
        await read_batches(tx, [EVENTS])
        await look_for_drift(tx, T0)
        web = make_web(App(SERVICE, settings, pool), Health(SERVICE.name))
        async with served(web, "127.0.0.1", 0) as url:
            yield url


async def opened(page: Page, url: str, division: str = "33") -> None:
    await page.goto(f"{url}/#token={make_token(KEY, 'duty', frozenset(), division)}")
    await expect(page.locator("tr.total")).to_be_visible()
    await expect(page.locator("#ask")).to_be_hidden()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with chromium_of(tmp_path, DESK) as browser:
        yield browser.pages[0]


@needs_chromium
async def test_figures_stand_by_division_and_a_drill_beside_them_in_its_own_colour(board: str, page: Page) -> None:
    await opened(page, board)
    await expect(page.locator("#drift")).to_have_class("good")
    screened = page.locator("tr.total td").nth(1)
    await expect(screened).to_have_text("3演练 1")
    await expect(screened.locator(".drill")).to_have_css("color", DRILL)
    await page.get_by_role("button", name="嘉兴市", exact=True).click()
    await expect(page.locator("#path strong")).to_have_text("嘉兴市 3304")
    await picture(page)
    assert await illegible(page) == []


@needs_chromium
async def test_every_indicator_stands_in_one_group_and_in_both_languages(board: str, page: Page) -> None:
    seen = list[str]()
    await opened(page, board)
    await page.locator("#language").click()
    await expect(page.locator("#groups button").first).to_have_text("Overview")
    for group in (await page.locator("#groups button").all())[1:]:
        await group.click()
        await expect(group).to_have_attribute("aria-pressed", "true")
        seen += (await page.locator("thead th").all_text_contents())[1:]
    assert sorted(seen) == sorted(one.name_en for one in INDICATORS)


@needs_chromium
async def test_what_is_pressed_while_the_figures_come_in_is_not_lost(board: str, page: Page) -> None:
    await opened(page, board)
    await page.get_by_role("button", name="嘉兴市", exact=True).hover()
    await page.mouse.down()
    async with page.expect_response(re.compile("/figures")), page.expect_response(re.compile("/drift")):
        pass
    await page.evaluate("() => new Promise(done => setTimeout(done, 300))")
    await page.mouse.up()
    await expect(page.locator("#path strong")).to_have_text("嘉兴市 3304")


@needs_chromium
async def test_the_keyboard_goes_down_and_a_figure_shows_its_rows(board: str, page: Page) -> None:
    await opened(page, board)
    await page.get_by_role("button", name="嘉兴市", exact=True).focus()
    async with page.expect_response(re.compile("/figures")):
        pass
    await page.keyboard.press("Enter")
    await expect(page.locator("#path strong")).to_have_text("嘉兴市 3304")
    await page.locator("tr.total td button").nth(0).press("Enter")
    await expect(page.locator("#detail")).to_be_visible()
    await expect(page.locator("#rows tbody tr").first).to_contain_text(PLACES[0])
    await picture(page)
    await page.keyboard.press("Escape")
    await expect(page.locator("#detail")).to_be_hidden()


@needs_chromium
async def test_who_is_not_signed_in_is_asked_and_who_looks_beyond_the_own_division_is_told(
    board: str, page: Page
) -> None:
    await page.goto(board)
    await expect(page.locator("#ask")).to_be_visible()
    await page.fill("#token", make_token(KEY, "duty", frozenset(), "330402"))
    await page.press("#token", "Enter")
    await expect(page.locator("#path strong")).to_contain_text("330402")
    await page.fill("#division", "3305")
    await page.press("#division", "Enter")
    async with page.expect_response(re.compile("/figures")):
        await expect(page.locator("#state")).to_contain_text("不在您的辖区内")
    await expect(page.locator("#path strong")).to_contain_text("330402")
    await expect(page.locator("#state")).to_contain_text("不在您的辖区内")
    await picture(page)
    await page.context.set_offline(True)
    await expect(page.locator("#state")).to_contain_text("连接不上")
    await page.click("#language")
    await expect(page.locator("#state")).to_contain_text("No connection")
    await page.context.set_offline(False)
    await expect(page.locator("#state")).to_be_empty()
