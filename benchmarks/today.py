"""`GET /today` by role, one request after another, as a phone asks: a village of three grids on a busy day.

A worker answers for one grid of 300 households, a leader looks at the whole village; households of an open round,
leads, needs and people in quarantine stand in the list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from benchmarks.lab import Lab
from benchmarks.measure import BenchError, timed
from benchmarks.sheet import id_number
from benchmarks.town import BEGIN
from deploy.fleet import Fleet
from deploy.play.quiet import until_quiet
from services.chassis.access import make_token

_VILLAGE = "330421001001"
_GRIDS = tuple(f"{_VILLAGE}{number:03}" for number in (1, 2, 3))
_HOUSEHOLDS, _MEMBERS, _OF_A_KIND = 300, 3, 30
_POST = "bench-today"
_FIRST = 5_000_000
"""The number of the first person, above those of the other parts."""


@dataclass(frozen=True)
class Today:
    """Seconds. items: in the list that is answered."""

    role: str
    items: int
    p50: float
    p99: float


async def today(lab: Lab, running: Fleet) -> list[Today]:
    """Each role that has a list. Raises BenchError where a record is not accepted or a list is not answered."""
    url = running.urls["intake"]
    async with lab.client() as client:
        lines = "\n".join(map(json.dumps, _records()))
        answer = await client.post(f"{url}/records", content=lines, headers={"content-type": "application/x-ndjson"})
        words = [json.loads(line)["verdict"] for line in answer.text.splitlines()] if answer.status_code == 200 else []
        if not words or set(words) != {"accepted"}:
            raise BenchError(f"the village was not accepted whole: {answer.status_code} {answer.text[:500]}")
        await until_quiet(client, running.urls)
    return [await _asked(lab, url, "worker", {}), await _asked(lab, url, "leader", {"division": _VILLAGE})]


async def _asked(lab: Lab, url: str, role: str, query: dict[str, str]) -> Today:
    key = SecretStr(lab.environment["GRIDWARD_TOKEN_KEY"])
    headers = {"authorization": f"Bearer {make_token(key, _POST, frozenset({role}), _VILLAGE)}"}
    async with httpx.AsyncClient(headers=headers, timeout=30.0) as client:
        answers, p50, p99 = await timed(lambda _: client.get(f"{url}/today", params=query))
    for answer in answers:
        if answer.status_code != 200:
            raise BenchError(f"/today answered a {role} {answer.status_code}: {answer.text[:300]}")
    return Today(role, len(answers[0].json()["items"]), p50, p99)


def _records() -> Iterator[dict[str, Any]]:
    until = (BEGIN + timedelta(days=3)).isoformat()
    valid = {"post_id": _POST, "duty": "worker", "valid_from_at": BEGIN.isoformat()}
    yield _said("assignment", _GRIDS[0], 0, **valid)
    opened = {"round_id": "today", "opened_by": "command-330421", "from_at": BEGIN.isoformat(), "until_at": until}
    yield _said("canvassing-round", _VILLAGE, 0, **opened)
    for place, grid in enumerate(_GRIDS):
        for home in range(_HOUSEHOLDS):
            yield from _household(grid, place * _HOUSEHOLDS + home, home < _OF_A_KIND)


def _household(grid: str, number: int, busy: bool) -> Iterator[dict[str, Any]]:
    """A register; where it is busy a lead, a need and somebody in quarantine as well."""
    at = BEGIN.isoformat()
    people = [_person(number * _MEMBERS + member) for member in range(_MEMBERS)]
    dwelling = {"ref": f"today-{number}", "address": f"河滨路 {number} 号"}
    yield _said("household-register", grid, number, dwelling=dwelling, registered_at=at, members=people)
    if not busy:
        return
    yield _said("lead", grid, number, **people[0], source="letter", received_at=at)
    yield _said("need", grid, number, **people[1], need="food", asked_at=at)
    until = (BEGIN + timedelta(days=14)).isoformat()
    measure = {"mode": "home_quarantine", "from_at": at, "until_at": until}
    order = {"order_id": f"today-{number}", "office": "office-330421", "decider": "post-330421", "served_at": at}
    words = {"legal_basis": "传染病防治法第三十九条", "document": "决定书", "reason": "与确诊病例同车"}
    yield _said("quarantine-order", grid, number, **people[1], **order, **words, measures=[measure])
    stay = {"placement_id": f"today-{number}", "mode": "home_quarantine", "site_id": "home", "started_at": at}
    yield _said("placement", grid, number, **people[1], **stay)


def _person(number: int) -> dict[str, Any]:
    return {"person": {"id_number": id_number(_FIRST + number), "name": f"某{number}"}}


def _said(kind: str, division: str, number: int, **fields: Any) -> dict[str, Any]:
    return {"feed": "bench-today", "source_id": f"{kind}-{number}", "kind": kind, "division_code": division, **fields}
