"""A grid worker's phone: Chromium with the worker's page, a real intake behind it, and a network that can go away."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, ViewportSize, async_playwright, expect
from pydantic import SecretStr

from deploy.local import free_port
from services.chassis.access import make_token
from services.chassis.health import Health
from services.chassis.web import make_web, served
from tests.chassis.rig import until
from tests.servers import WHOLE
from tests.stores.intake_world import KEY, VILLAGE, World

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not WHOLE, reason="no `chromium`: install it to test the pages"
)
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
"""What each test saw last, and what it asked to keep: to be looked at."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHOWN_WITHIN_MS = 20_000  # beside the processes of other tests
expect.set_options(timeout=SHOWN_WITHIN_MS)
SMALL: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1366, "height": 768}
TOO_SMALL = """() => [...document.querySelectorAll('button, input, summary, a')]
    .filter(each => each.offsetParent !== null).map(each => [each.getBoundingClientRect(), each.textContent])
    .filter(([box]) => box.height < 44 || box.width < 44).map(([, text]) => text)"""


class Network:
    """Intake at one address, reachable or not."""

    def __init__(self, world: World) -> None:
        self._web, self._port = make_web(world.app, Health("intake")), free_port()
        self._stack = AsyncExitStack()
        self.url = f"http://127.0.0.1:{self._port}"

    async def back(self) -> None:
        await self._stack.enter_async_context(served(self._web, "127.0.0.1", self._port))

    async def away(self) -> None:
        await self._stack.aclose()


class Phone:
    def __init__(self, browser: BrowserContext, network: Network, profile: Path) -> None:
        self.browser, self.page, self.network, self.profile = browser, browser.pages[0], network, profile

    def token(self, post: str) -> str:
        """Of a worker somewhere in the village."""
        return make_token(SecretStr(KEY), post, frozenset({"worker"}), VILLAGE)

    async def sign_in(self, post: str, language: str = "zh") -> None:
        """By the link that a worker is given, until the grid's names have arrived."""
        token = self.token(post)
        await self.page.goto(f"{self.network.url}/worker/")
        await self.page.evaluate("language => localStorage.setItem('gridward-language', language)", language)
        await self.page.goto(f"{self.network.url}/worker/?#token={token}")
        await expect(self.page.locator("#tab-today")).to_be_visible()
        await until(self._has_names, "the grid's names on the phone", SHOWN_WITHIN_MS / 1000)

    async def _has_names(self) -> bool:
        return bool(await self.page.evaluate("GW.wire.state.roster !== null"))

    async def picture(self, name: str = "end") -> None:
        await picture(self.page, name)

    async def tab(self, name: str) -> None:
        await self.page.click(f"#tab-{name}")

    async def household(self, address: str) -> None:
        """Everybody well, saved."""
        await self.page.get_by_text(address, exact=True).click()
        await self.page.get_by_text("✓ 全部正常").click()
        await self.page.get_by_text("保存", exact=True).click()

    def kept(self) -> bytes:
        """Everything that the browser keeps of the page on disk."""
        folders = ("IndexedDB", "Local Storage", "Session Storage", "Service Worker", "Cache")
        files = [file for name in folders for file in self.profile.rglob(f"{name}/**/*") if file.is_file()]
        kept = bytearray()
        for file in files:
            with suppress(FileNotFoundError):  # the browser cleans up meanwhile
                kept += file.read_bytes()
        return bytes(kept)


async def picture(page: Page, name: str = "end") -> None:
    """Keep what is shown, under the name of the test."""
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].split(" ")[0]
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{test}.{name}.png")


@asynccontextmanager
async def chromium_of(profile: Path, size: ViewportSize = SMALL) -> AsyncIterator[BrowserContext]:
    """A Chinese browser with one page. Errors of the page fail the test at its end."""
    errors = list[str]()
    async with async_playwright() as driver:
        browser = await driver.chromium.launch_persistent_context(
            str(profile),
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport=size,
            has_touch=size == SMALL,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        try:
            browser.pages[0].on("pageerror", lambda error: errors.append(str(error)))
            browser.pages[0].set_default_timeout(SHOWN_WITHIN_MS)
            yield browser
        finally:
            await browser.close()
    assert errors == []


@asynccontextmanager
async def phone_of(world: World, profile: Path, size: ViewportSize = SMALL) -> AsyncIterator[Phone]:
    """With intake within reach, until the test takes it away. size: of a desk for the pages of an office."""
    network = Network(world)
    async with chromium_of(profile, size) as browser:
        await network.back()
        try:
            phone = Phone(browser, network, profile)
            yield phone
            await phone.picture()
        finally:
            await network.away()
