"""The files of the worker's page: what they are written in, and whom they ask."""

from __future__ import annotations

import re

from services.intake.worker_routes import PAGE

NEWER_THAN_2017 = {
    "optional chaining": r"\?\.[A-Za-z_(\[]",
    "nullish coalescing": r"\?\?",
    "object spread": r"\{\s*\.\.\.",
    "catch without a name": r"catch\s*\{",
    "finally of a promise": r"\.finally\(",
    "flat, at, replaceAll, fromEntries": r"\.(flat|flatMap|at|replaceAll|fromEntries|allSettled)\(",
    "private field": r"this\.#",
    "module": r"^\s*(import|export)\s",
}


def test_the_page_is_written_for_the_browsers_of_2018_and_asks_nobody_else() -> None:
    for part in PAGE.iterdir():
        text = part.read_text(encoding="utf-8")
        found = [
            what for what, form in NEWER_THAN_2017.items() if part.name.endswith(".js") and re.search(form, text, re.M)
        ]
        assert found == [], part.name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), part.name
        assert len(text.splitlines()) <= 250, part.name
