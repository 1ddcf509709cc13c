"""The files of the worker's page: what they are written in, and whom they ask."""

from __future__ import annotations

import re
from pathlib import PurePath

import esprima
import pytest

from services.intake.worker_routes import PAGE

NEWER_SCRIPT = {
    "Array": r"\.(flat|flatMap|at|findLast|findLastIndex|toSorted|toReversed|toSpliced)\(",
    "Object and String": r"\.(fromEntries|hasOwn|replaceAll|matchAll|trimStart|trimEnd)\(",
    "Promise": r"\.(finally|allSettled|any|withResolvers)\(",
    "globals": r"\b(globalThis|queueMicrotask|structuredClone|BigInt|WeakRef|AbortSignal)\b",
    "DOM": r"\.(replaceChildren|requestSubmit|showModal|showPicker|toggleAttribute|isConnected)\b",
    "others": r"\b(randomUUID|indexedDB\.databases|clipboard|navigator\.locks|CompressionStream|ResizeObserver)\b",
    "Intl": r"\bIntl\.(RelativeTimeFormat|ListFormat|Segmenter|DisplayNames)\b",
}
"""Not in Chrome 66, Safari 11.1 and Firefox 60, all of spring 2018."""
NEWER_STYLE = {
    "gap outside a grid": r"(?<!grid-)\bgap\s*:",
    "functions": r"\b(clamp|min|max|color-mix|env)\(",
    "selectors": r":(is|where|has|focus-visible|not\([^)]*,)",
    "properties": r"\b(inset|aspect-ratio|accent-color|content-visibility|overscroll-behavior|place-items)\s*:",
    "units": r"\d(dvh|svh|lvh|cqw|cqh)\b",
    "at rules": r"@(layer|container|supports selector|property)\b",
    "colours": r"\brgb\(\s*\d+\s+\d+",
}
FILES = sorted(PAGE.iterdir(), key=lambda part: part.name)
SCRIPTS = [part for part in FILES if part.name.endswith(".js")]


def newer(text: str, forms: dict[str, str]) -> list[str]:
    return [what for what, form in forms.items() if re.search(form, text, re.MULTILINE)]


def refused(script: str) -> bool:
    """Whether a parser of scripts, no modules, of ECMAScript 2017 does not take it."""
    try:
        esprima.parseScript(script)
    except esprima.Error:
        return True
    return False


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_is_read_by_a_parser_of_2017_and_calls_nothing_newer_than_2018(script: PurePath) -> None:
    text = PAGE.joinpath(script.name).read_text(encoding="utf-8")
    assert not refused(text)
    assert newer(text, NEWER_SCRIPT) == []


def test_the_page_has_no_script_of_its_own_and_its_style_nothing_newer_than_2018() -> None:
    style = PAGE.joinpath("style.css").read_text(encoding="utf-8")
    assert newer(style, NEWER_STYLE) == []
    page = PAGE.joinpath("index.html").read_text(encoding="utf-8")
    assert all(tag.endswith("></script>") for tag in re.findall(r"<script.*", page))
    assert not re.search(r"\son[a-z]+=|<style|style=|type=\"module\"", page)


@pytest.mark.parametrize(
    "script", ["a?.b", "a ?? b", "try { f() } catch { g() }", "class A { #x = 1 }", "import './a.js'"]
)
def test_what_a_phone_of_2018_does_not_read_is_found(script: str) -> None:
    assert refused(script)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("[[1]].flat()", NEWER_SCRIPT),
        ("text.replaceAll('a', 'b')", NEWER_SCRIPT),
        ("main.replaceChildren(page)", NEWER_SCRIPT),
        (".row { display: flex; gap: 4px; }", NEWER_STYLE),
        ("p { width: clamp(1px, 2vw, 3px); }", NEWER_STYLE),
        ("div { height: 100dvh; }", NEWER_STYLE),
    ],
)
def test_what_a_phone_of_2018_does_not_know_is_found(text: str, forms: dict[str, str]) -> None:
    assert newer(text, forms)


def test_the_page_asks_nobody_else_and_its_parts_are_short() -> None:
    for part in FILES:
        text = part.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), part.name
        assert len(text.splitlines()) <= 250, part.name
