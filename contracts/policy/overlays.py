"""Local rules that went beyond the national plan: data to read, never applied by themselves.

The notices give areas and start instants of their own, so a jurisdiction that wants one decides it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from contracts.envelope import DivisionCode
from contracts.policy.editions import Certainty, Frozen


class Overlay(Frozen):
    """One local rule in the words of its source. valid: the month or day it is attested for, not its whole life.

    tests: test days of each phase, where stated.
    """

    division_code: DivisionCode
    rule: str
    plan: str
    valid: str
    applies: str | None = None
    tests: tuple[tuple[int, ...], ...] = ()
    certainty: Certainty
    source: str


@cache
def _all() -> tuple[Overlay, ...]:
    text = files("contracts.policy").joinpath("overlays.json").read_bytes()
    return TypeAdapter(tuple[Overlay, ...]).validate_json(text)


def overlays(division_code: str) -> tuple[Overlay, ...]:
    """The local rules attested for a division or one above it (code prefix), the nearest first."""
    found = (overlay for overlay in _all() if division_code.startswith(overlay.division_code))
    return tuple(sorted(found, key=lambda overlay: -len(overlay.division_code)))
