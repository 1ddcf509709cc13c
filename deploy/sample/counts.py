"""How many of everything, at a scale. At 1 they are Jiaxing's own figures of 29 March 2022 (domain §9)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

GRIDS = 4365
"""Grids of Jiaxing in February 2020 (domain §6); they are there at every scale."""
SMALLEST_SCALE = 0.005


@dataclass(frozen=True)
class Counts:
    """close and secondary are what the rules must find at rest; the rest are deviations of known number."""

    confirmed: int
    close: int
    secondary: int
    converts: int
    ring: int
    casual: int
    decoys: int
    excluded_close: int
    excluded_secondary: int
    excluded_ordered: int
    corrected_in: int
    corrected_out: int
    withdrawn: int
    named_twice: int
    late_transfers: int
    never_transferred: int
    never_ordered: int
    still_in: int
    missed_visits: int
    missed_twice: int
    late_visits: int
    households: int
    second_calls: int
    corrected_calls: int
    corrected_checks: int
    unclear_tests: int
    repeats: int
    bad_rows: int
    doubles: int
    parted: int
    leads: int
    needs: int
    vaccinated: int


def counts_at(scale: float) -> Counts:
    """Raises ValueError below SMALLEST_SCALE, where the story has more parts than contacts, and above 1."""
    if not SMALLEST_SCALE <= scale <= 1:
        raise ValueError(f"the scale {scale} does not work: choose one from {SMALLEST_SCALE} to 1")

    def some(at_one: float, least: int = 2) -> int:
        return max(least, int(at_one * scale + 0.5))

    return Counts(
        confirmed=max(7, ceil(65 * scale)),
        close=some(9849),
        secondary=some(22295),
        converts=some(400, 6),
        ring=some(660, 3),
        casual=some(4000),
        decoys=some(3000),
        excluded_close=some(250, 5),
        excluded_secondary=some(400, 3),
        excluded_ordered=some(30),
        corrected_in=some(150),
        corrected_out=some(120),
        withdrawn=some(100),
        named_twice=some(1500),
        late_transfers=some(140),
        never_transferred=some(50),
        never_ordered=some(60),
        still_in=some(120),
        missed_visits=some(700),
        missed_twice=some(180),
        late_visits=some(300),
        households=some(GRIDS * 25),
        second_calls=some(600),
        corrected_calls=some(600),
        corrected_checks=some(400),
        unclear_tests=some(300),
        repeats=some(3000),
        bad_rows=some(60),
        doubles=some(200),
        parted=some(50),
        leads=some(40, 1),
        needs=some(900, 6),
        vaccinated=some(3000, 10),
    )
