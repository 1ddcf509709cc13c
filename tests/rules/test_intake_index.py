"""The page at intake's own address: it names every route, and links only to what is there."""

from __future__ import annotations

import re
from importlib.resources import files

from pydantic import SecretStr

from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.web import make_web
from services.intake.service import SERVICE

INDEX = files("services.intake").joinpath("index.html").read_text(encoding="utf-8")
NOT_IN_THE_SCHEMA = {"/worker/", "/openapi.json"}


def paths() -> set[str]:
    """Of intake's routes; nothing is asked of them."""
    app = App(SERVICE, Settings(database="unused", token_key=SecretStr("k" * 32)), pool=None)  # type: ignore[arg-type]
    return set(make_web(app, Health(SERVICE.name)).openapi()["paths"])


def named(path: str) -> bool:
    """In full, or as a further step (`/undo`) of one that is."""
    before, _, step = path.rpartition("/")
    return f"{path}<" in INDEX or f"{path}?" in INDEX or (f"/{step}<" in INDEX and before in INDEX)


def test_every_route_is_named() -> None:
    there = {path.replace("{suffix}", "xlsx") for path in paths()} - {"/"}
    assert {path for path in there if not named(path)} == set()


def test_what_is_named_or_linked_is_there() -> None:
    there = paths() | NOT_IN_THE_SCHEMA
    words = [word.split("?")[0] for word in re.findall(r">(?:GET|POST|PUT) (/[^<]*)<", INDEX)]
    assert len(words) > 30
    assert set(words) <= there
    assert {f"/{link}" for link in re.findall(r'<a href="([^"]+)"', INDEX)} <= there
