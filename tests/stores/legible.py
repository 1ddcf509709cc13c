"""What of a page cannot be read well: letters below 18 px, or a contrast below 4.5:1 (WCAG 2)."""

from __future__ import annotations

import re

from playwright.async_api import Page

SHOWN = """() => {
    const ground = (each) => {
        const own = getComputedStyle(each).backgroundColor;
        if (own !== 'rgba(0, 0, 0, 0)') return own;
        return each.parentElement ? ground(each.parentElement) : 'rgb(255, 255, 255)';
    };
    const holds = (each) => ['INPUT', 'SELECT', 'TEXTAREA'].includes(each.tagName) ||
        [...each.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    const shown = [...document.querySelectorAll('body *')].filter((each) => each.getClientRects().length);
    return shown.filter(holds).map((each) => {
        const { color, fontSize } = getComputedStyle(each);
        return [each.innerText || each.tagName, color, ground(each), parseFloat(fontSize)];
    });
}"""


async def illegible(page: Page) -> list[str]:
    """The texts; at least one text must be shown."""
    shown = await page.evaluate(SHOWN)
    assert shown
    return [text for text, ink, paper, size in shown if size < 18 or contrast(ink, paper) < 4.5]


def contrast(one: str, other: str) -> float:
    """Of two colours as `rgb(1, 2, 3)`: 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
