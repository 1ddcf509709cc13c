"""What the services say after a play, held against the truth that was made without them: every figure, every state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.play.player import Played
from deploy.play.quiet import read_books, unbalanced
from deploy.play.stage import Stage

PROVINCE, CITY = "33", "3304"
NAMES_A_REQUEST = 1_000
PURPOSE = "sample: end states held against the truth"
Figures = dict[str, int]


@dataclass(frozen=True)
class Observed:
    """What was read from the services. states: by identity number, as in the truth; names: of divisions.

    today: what the sample's worker is shown as owed, by kind.
    """

    figures: Mapping[str, Figures]
    names: Mapping[str, str]
    states: Mapping[str, Mapping[str, Any]]
    strangers: int
    ledger: Mapping[str, Figures]
    owed: list[str]
    dead_letters: Mapping[str, int]
    drift: int
    today: Mapping[str, int]
    lanes: int
    applied: int
    played: Played


def read_truth(sample: Path) -> dict[str, Any]:
    """The truth beside a sample."""
    truth: dict[str, Any] = json.loads((sample / "truth.json").read_text("utf-8"))
    return truth


async def observe(stage: Stage, played: Played, truth: Mapping[str, Any]) -> Observed:
    """Read figures, states, ledger, books, dead letters and drift from the services' own routes."""
    async with stage.client() as client:
        positions = await read_books(client, stage.urls)
        lanes = await read_books(client, stage.urls)
        figures, names = await read_figures(client, stage.urls["rollup"])
        states, strangers = await _states(client, stage, truth["end_states"])
        return Observed(
            figures=figures,
            names=names,
            states=states,
            strangers=strangers,
            ledger=await _ledger(client, stage.urls["intake"]),
            owed=unbalanced(positions, lanes),
            dead_letters={name: books["dead_letters"] for name, books in lanes.items()},
            drift=(await _json(client, f"{stage.urls['rollup']}/drift?now=true"))["drift"],
            today=await _today(client, stage, truth["worker"]),
            lanes=sum(len(books["lanes"]) for books in lanes.values()),
            applied=sum(sum(books["positions"].values()) for books in lanes.values()),
            played=played,
        )


def differences(truth: Mapping[str, Any], observed: Observed) -> list[str]:
    """Every way in which what was observed is not the truth, in words; empty: equal."""
    return [
        *_unequal("figure", _flat(truth["figures"]), _flat(_of(truth["figures"], observed.figures))),
        *_unequal("state", _states_flat(truth["end_states"]), _states_flat(observed.states)),
        *_unequal("ledger", _flat(truth["ledger"]), _flat(_of(truth["ledger"], observed.ledger))),
        *_unequal("today", truth["worker"]["today"], observed.today),
        *([f"{observed.strangers} people have a state whom the truth does not know"] if observed.strangers else []),
        *(f"books: {each}" for each in observed.owed),
        *(f"{n} dead letters in {name}" for name, n in observed.dead_letters.items() if n),
        *([f"{observed.drift} figures have drifted from their rows"] if observed.drift else []),
    ]


def _unequal(what: str, truth: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(truth.keys() | found.keys()):
        if truth.get(key, 0) != found.get(key, 0):
            yield f"{what} {key}: {found.get(key, 0)} instead of {truth.get(key, 0)}"


def _of(truth: Mapping[str, Figures], found: Mapping[str, Figures]) -> Mapping[str, Figures]:
    """Of what was found the divisions or feeds that the truth speaks of, and everything that is said of those."""
    return {outer: row for outer, row in found.items() if outer in truth}


def _flat(figures: Mapping[str, Figures]) -> dict[str, int]:
    """By "division indicator", without zeros."""
    return {f"{outer} {name}": n for outer, row in figures.items() for name, n in row.items() if n}


def _states_flat(states: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """By identity number, in words; whoever has no state is left out, as in tracing."""
    named = {
        number: (state.get("category"), state.get("classification"), state.get("care"))
        for number, state in states.items()
    }
    return {number: ", ".join(map(str, parts)) for number, parts in named.items() if parts != (None, None, "none")}


async def _json(client: httpx.AsyncClient, url: str) -> Any:
    return (await client.get(url)).raise_for_status().json()


async def read_figures(client: httpx.AsyncClient, rollup: str) -> tuple[dict[str, Figures], dict[str, str]]:
    """Figures and names of the province, the city and its counties, by code, from rollup at that address."""
    province = await _json(client, f"{rollup}/figures?division={PROVINCE}")
    city = await _json(client, f"{rollup}/figures?division={CITY}&children=true")
    lines = [province["total"], city["total"], *city["children"]]
    return {line["division"]: line["figures"] for line in lines}, {line["division"]: line["name"] for line in lines}


async def _states(
    client: httpx.AsyncClient, stage: Stage, known: Iterable[str]
) -> tuple[dict[str, Mapping[str, Any]], int]:
    """The states of those the truth names, by identity number; and how many others have one."""
    states = await read_states(client, stage.urls["tracing"])
    ids = await named_ids(client, stage.urls["intake"], known)
    return {number: states.pop(each) for number, each in ids.items() if each in states}, len(states)


async def read_states(client: httpx.AsyncClient, tracing: str) -> dict[str, Mapping[str, Any]]:
    """The state of everybody who has one, by person_id, from tracing at that address."""
    answer = (await client.get(f"{tracing}/states")).raise_for_status().text
    return {state["person_id"]: state for state in map(json.loads, answer.splitlines())}


async def named_ids(client: httpx.AsyncClient, intake: str, numbers: Iterable[str]) -> dict[str, str]:
    """The random ids of people by identity number, as intake's vault knows them."""
    asked, found = sorted(numbers), dict[str, str]()
    for at in range(0, len(asked), NAMES_A_REQUEST):
        body = {"purpose": PURPOSE, "id_numbers": asked[at : at + NAMES_A_REQUEST]}
        found |= (await client.post(f"{intake}/people/lookups", json=body)).raise_for_status().json()["id_numbers"]
    return found


async def _today(client: httpx.AsyncClient, stage: Stage, worker: Mapping[str, Any]) -> dict[str, int]:
    """Of the kinds that the truth counts; nothing is asked where it counts none."""
    if not worker["today"]:
        return {}
    headers = stage.as_worker(worker["post_id"], worker["division_code"])
    answer = (await client.get(f"{stage.urls['intake']}/today", headers=headers)).raise_for_status().json()
    kinds = Counter(item["kind"] for item in answer["items"])
    return {kind: kinds[kind] for kind in worker["today"]}


async def _ledger(client: httpx.AsyncClient, intake: str) -> dict[str, Figures]:
    """By feed: received, accepted, duplicate, rejected, pending, over all hours."""
    sums: dict[str, Counter[str]] = {}
    for row in await _json(client, f"{intake}/ledger"):
        counts = {name: n for name, n in row.items() if isinstance(n, int) and not isinstance(n, bool)}
        sums.setdefault(row["feed"], Counter()).update(counts)
    return {feed: dict(counts) for feed, counts in sums.items()}
