"""`POST /people/searches` in a base of a million persons, one after another: each way of looking for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from benchmarks.lab import Lab
from benchmarks.measure import ASKED, BenchError, timed
from benchmarks.sheet import COUNTY, PERSONS_A_DWELLING, door_of, name_of, phone_of
from deploy.fleet import Fleet
from services.chassis.access import make_token
from services.intake.rules.names import initials


@dataclass(frozen=True)
class Search:
    """Seconds. shown: people and dwellings in an answer, the mean."""

    way: str
    shown: float
    p50: float
    p99: float


async def search(lab: Lab, running: Fleet, persons: int) -> list[Search]:
    """By a county's reader; all of the base live there. Raises BenchError where nobody is found."""
    key = SecretStr(lab.environment["GRIDWARD_TOKEN_KEY"])
    token = make_token(key, "bench-search", frozenset({"identity-reader"}), COUNTY)
    found, url = [], f"{running.urls['intake']}/people/searches"
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60.0) as client:
        for way in _typed(0):

            async def ask(number: int, way: str = way) -> httpx.Response:
                query = _typed(number * (persons // (2 * ASKED)))[way]
                return await client.post(url, json={"purpose": "tracing", "query": query})

            answers, p50, p99 = await timed(ask)
            found.append(Search(way, sum(map(_shown, answers)) / len(answers), p50, p99))
    return found


def _typed(n: int) -> Mapping[str, str]:
    """What somebody types who looks for the n-th person, or for where he or she lives."""
    name = name_of(n)
    return {
        "name": name,
        "initials": initials(name)[0],
        "last four": phone_of(n)[-4:],
        "dwelling": door_of(n // PERSONS_A_DWELLING),
    }


def _shown(answer: httpx.Response) -> int:
    told = answer.json() if answer.status_code == 200 else {}
    shown = len(told.get("people", ())) + len(told.get("dwellings", ()))
    if not shown:
        raise BenchError(f"a search found nobody: {answer.status_code} {answer.text[:300]}")
    return shown
