"""Each kind of item that a tap closes, entered without a signal in a real browser, arrives once; one grid is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from contracts.events.quarantine import PersonVisited, SamplingDue
from contracts.events.testing import TubeSampled
from tests.stores.duty_records import a_hand_over
from tests.stores.grid_world import AT, NOON, OTHER_GRID, WORKER, as_, care, hear, ids, listed, three_homes
from tests.stores.intake_world import GRID, World, a_household, a_person, intake
from tests.stores.phone import TOO_SMALL, Phone, needs_chromium, phone_of

HOME, NEIGHBOUR = "杨柳新村 1 号", "桃花弄 2 号"


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    async with intake(database, clock="stage") as its:
        await three_homes(its, HOME, "杨柳新村 2 号", NEIGHBOUR, round_in=GRID)
        yield its


async def back_online(phone: Phone) -> None:
    await phone.network.back()
    await phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(phone.page.locator("#line")).to_contain_text("已全部发送")


@needs_chromium
async def test_a_health_visit_and_a_sample_are_closed_by_taps_without_a_signal_and_arrive_once(
    world: World, tmp_path: Path
) -> None:
    known = await ids(world)
    one, two = known["王某1"], known["王某2"]
    due = SamplingDue(statement_id="s", person_id=two, tube_id="t", since_at=NOON - timedelta(hours=1))
    await hear(world, care(one), due)
    async with phone_of(world, tmp_path) as phone:
        page, line = phone.page, phone.page.locator("#line")
        await phone.sign_in(WORKER)
        await expect(page.locator(".card.visit")).to_contain_text("王某1")
        await expect(page.locator(".card.sampling")).to_contain_text("王某2")
        await phone.network.away()
        await phone.picture("today")
        await page.click(".card.visit")
        await phone.picture("visit")
        assert await page.evaluate(TOO_SMALL) == []
        await page.fill('[name="temperature"]', "36.8")
        await page.get_by_text("保存", exact=True).click()
        await page.click(".card.sampling")
        await phone.picture("sampling")
        assert await page.evaluate(TOO_SMALL) == []
        await page.get_by_text("已采样，保存").click()
        await expect(page.locator(".wrong")).not_to_be_empty()
        await page.fill('[name="tube"]', "管-77")
        await page.get_by_text("已采样，保存").click()
        await expect(line).to_contain_text("2 条待发送")
        await expect(page.locator(".card.visit, .card.sampling")).to_have_count(0)
        await world.pool.execute("update stage set now_at = now_at + interval '3 hours'")
        await back_online(phone)
        said = [event.data for event in await world.events()]
    [visited] = [fact for fact in said if isinstance(fact, PersonVisited)]
    [sampled] = [fact for fact in said if isinstance(fact, TubeSampled)]
    assert (visited.person_id, visited.temperature_celsius, f"{visited.visited_at:%H}") == (one, 36.8, "12")
    assert f"{sampled.sampled_at:%H}" == "12" and [member.person_id for member in sampled.members] == [two]
    assert {kind for kind, _ in await listed(await as_(world))} == {"household"}


@needs_chromium
async def test_nobody_reached_is_a_tap_that_says_no_event_and_leaves_the_door_owed(
    world: World, tmp_path: Path
) -> None:
    before = len(await world.events())
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await phone.page.get_by_text(HOME, exact=True).click()
        await phone.page.get_by_text("没人在家", exact=True).click()
        await expect(phone.page.locator("#line")).to_contain_text("已全部发送")
        await expect(phone.page.get_by_text(HOME, exact=True)).to_be_visible()
        outcomes = await world.pool.fetch("select outcome, entered_by from calls")
    assert [tuple(row) for row in outcomes] == [("nobody_home", WORKER)]
    assert len(await world.events()) == before
    assert len(await listed(await as_(world))) == 2


@needs_chromium
async def test_the_phone_holds_one_grid_the_names_of_one_that_was_handed_over_go(world: World, tmp_path: Path) -> None:
    places = "async () => (await GW.store.get('roster')).households.map(each => each.division_code)"
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await expect(phone.page.get_by_text(HOME, exact=True)).to_be_visible()
        assert await phone.page.evaluate(places) == [GRID, GRID]
        moved = [a_hand_over(GRID, WORKER, "worker-2", AT), a_hand_over(OTHER_GRID, "neighbour", WORKER, AT)]
        assert await world.words(*moved) == ["accepted"] * 2
        await phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await phone.tab("grid")
        await phone.page.get_by_text("全部（1）").click()
        await expect(phone.page.get_by_text(NEIGHBOUR, exact=True)).to_be_visible()
        await expect(phone.page.get_by_text(HOME, exact=True)).to_have_count(0)
        assert await phone.page.evaluate(places) == [OTHER_GRID]


@needs_chromium
async def test_another_post_signs_in_on_the_phone_only_after_it_was_emptied_and_is_told_so(
    world: World, tmp_path: Path
) -> None:
    async with phone_of(world, tmp_path) as phone:
        page = phone.page
        await phone.sign_in(WORKER)
        await phone.network.away()
        await phone.household(HOME)
        await expect(page.locator("#line")).to_contain_text("1 条待发送")
        await page.goto("about:blank")  # so that nothing is sent meanwhile
        await phone.network.back()
        await page.goto(f"{phone.network.url}/worker/?#token={phone.token('neighbour')}")
        await expect(page.get_by_role("alertdialog")).to_contain_text("本机存有另一岗位的资料，其中 1 条未发送")
        await page.get_by_text("清空并登录").click()
        await phone.tab("grid")
        await page.get_by_text("全部（1）").click()
        await expect(page.get_by_text(NEIGHBOUR, exact=True)).to_be_visible()
        assert await page.evaluate("async () => (await GW.store.all('entry:')).length") == 0


@needs_chromium
async def test_a_page_that_was_closed_for_a_day_is_emptied_before_it_shows_anything(
    world: World, tmp_path: Path
) -> None:
    counted = "async () => (await indexedDB.databases()).length"
    async with phone_of(world, tmp_path) as phone:
        await phone.sign_in(WORKER)
        await phone.network.away()
        await phone.household(HOME)
        await expect(phone.page.locator("#line")).to_contain_text("1 条待发送")
        await phone.page.close()
        await phone.network.back()
        phone.page = await phone.browser.new_page()
        shown = "new MutationObserver(() => { window.shown = (window.shown || '') + document.body.innerText; })"
        await phone.page.add_init_script(f"{shown}.observe(document, {{subtree: true, childList: true}})")
        now = await phone.page.evaluate("Date.now()")
        await phone.page.clock.install(time=(now + 24 * 3600 * 1000 + 60_000) / 1000)
        await phone.page.goto(f"{phone.network.url}/worker/")
        await expect(phone.page.get_by_text("已满 24 小时")).to_contain_text("有 1 条未发送，已丢失")
        assert await phone.page.evaluate(counted) == 0
        shown = await phone.page.evaluate("window.shown")
    assert "已满 24 小时" in shown and HOME not in shown and "王某" not in shown


async def test_somebody_who_was_away_and_is_here_again_is_missing_until_met(world: World) -> None:
    worker = await as_(world)
    away = {"kind": "presence", "feed": "page", "division_code": GRID, **a_person(1)}
    visit = a_household(1, 1, members=[a_person(2)], round_id="round-1")
    told = [
        {**away, "source_id": "a", "state": "away", "since_at": AT},
        {**visit, "dwelling": {"ref": "door-1"}},
    ]
    assert await world.words(*told) == ["accepted"] * 2
    assert len(await listed(worker)) == 1  # the other door
    here = {**away, "source_id": "b", "state": "here", "since_at": "2022-03-05T11:00:00+08:00"}
    assert await world.words(here) == ["accepted"]
    assert Counter(kind for kind, _ in await listed(worker)) == {"household": 2}
    [home] = [
        each
        for each in (await worker.get("/roster")).json()["households"]
        if any(member["name"] == "王某1" for member in each["members"])
    ]
    assert [bool(member.get("away")) for member in home["members"] if member["name"] == "王某1"] == [False]
