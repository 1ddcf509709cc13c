"""The posts that are told: the command line from the grid leader to the province, and the line of health."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from deploy.sample.places import CITY, PROVINCE, Places
from deploy.sample.scripts import OFTEN, ONCE

_TITLES = {
    15: "grid leader",
    12: "village leader",
    9: "township leader on duty",
    6: "county command post",
    4: "city command post",
    2: "provincial command post",
}
_INSTITUTIONS = {script.feed: script.county for script in (*ONCE, *OFTEN)}


def command_post(division: str) -> str:
    """The post on the command line of a division."""
    return f"command-{division}"


def health_post(division_or_unit: str) -> str:
    """The post on the line of health, of an institution or of a division's health commission."""
    return f"health-{division_or_unit}"


def health_line(institution: str) -> tuple[str, ...]:
    """The posts from the institution upwards."""
    county = _INSTITUTIONS[institution]
    return tuple(health_post(unit) for unit in (institution, county, CITY, PROVINCE))


@cache
def command_line(division: str) -> tuple[str, ...]:
    """The posts from the division's own upwards: of a grid, from the grid leader."""
    return tuple(command_post(division[:length]) for length in _TITLES if length <= len(division))


def division_of_post(post: str) -> str:
    """Where a post stands."""
    unit = post.split("-", 1)[1]
    return _INSTITUTIONS.get(unit, unit)


def _post(post: str, line: str, division: str, unit: str, title: str) -> dict[str, str]:
    name = f"{title} {division or unit}"
    return {
        "post_id": post, "line": line, "division_code": division, "unit": unit, "title": title,
        "holder": f"holder of {name}", "channel": f"sink:{post}",
    }  # fmt: skip


def _posts(places: Places) -> Iterator[dict[str, str]]:
    divisions = (*places.grids, *places.villages, *places.townships, *places.counties, CITY, PROVINCE)
    for code in divisions:
        yield _post(command_post(code), "command", code, "", _TITLES[len(code)])
    for institution, county in sorted(_INSTITUTIONS.items()):
        yield _post(health_post(institution), "health", county, institution, "duty officer")
    for code in (*places.counties, CITY, PROVINCE):
        yield _post(health_post(code), "health", code, "", "health commission")


def write_posts(places: Places, file: Path) -> None:
    """One JSON object a line. unit: the institution, empty where the post belongs to a division."""
    file.write_text("".join(json.dumps(post, ensure_ascii=False) + "\n" for post in _posts(places)), encoding="utf-8")
