"""Sends a sample by intake's door, step by step on the stage clock, and waits for quiet after each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.play.quiet import until_quiet
from deploy.sample.timeline import Step, read_timeline

LINES_A_REQUEST = 5_000
TIMEOUT = httpx.Timeout(120.0)


class PlayError(Exception):
    """A service refused what the play sent; the text holds its answer."""


@dataclass
class Played:
    """What came of a play: verdicts by word, and how many steps were played."""

    verdicts: Counter[str] = field(default_factory=Counter)
    steps: int = 0


@dataclass(frozen=True)
class Stage:
    """The running services, and the token with which the play speaks to them."""

    urls: Mapping[str, str]
    token: str

    def client(self) -> httpx.AsyncClient:
        """A client that shows the token."""
        return httpx.AsyncClient(headers={"authorization": f"Bearer {self.token}"}, timeout=TIMEOUT)


async def play(stage: Stage, sample: Path, on_step: Callable[[Step, int], None]) -> Played:
    """Plays a sample directory to its end. on_step: called before each step, with the records sent so far."""
    played = Played()
    async with stage.client() as client:
        await _post(client, f"{stage.urls['intake']}/grids", (sample / "grids.csv").read_bytes(), "text/csv")
        await _post(
            client, f"{stage.urls['alerts']}/posts", (sample / "posts.ndjson").read_bytes(), "application/x-ndjson"
        )
        for step in read_timeline(sample):
            on_step(step, played.verdicts.total())
            await _advance(client, stage, step.at.isoformat(), played.steps, running=False)
            await until_quiet(client, stage.urls)
            played.verdicts += await send(client, stage.urls["intake"], step.feeds)
            await until_quiet(client, stage.urls)
            played.steps += 1
    return played


async def let_time_run(stage: Stage, sample: Path) -> None:
    """From the last step on the stage clock goes on at wall speed."""
    steps = read_timeline(sample)
    async with stage.client() as client:
        await _advance(client, stage, steps[-1].at.isoformat(), len(steps), running=True)


async def send(client: httpx.AsyncClient, intake: str, feeds: Sequence[Path]) -> Counter[str]:
    """Send files of NDJSON records in their order, many lines a request; gives the count of each verdict."""
    verdicts: Counter[str] = Counter()
    lines = [line for feed in feeds for line in feed.read_bytes().splitlines(keepends=True)]
    for at in range(0, len(lines), LINES_A_REQUEST):
        body = b"".join(lines[at : at + LINES_A_REQUEST])
        answer = await _post(client, f"{intake}/records", body, "application/x-ndjson")
        told = [json.loads(line) for line in answer.splitlines()]
        if "error" in told[-1]:
            raise PlayError(f"{intake}: {told[-1]['error']}")
        verdicts.update(each["verdict"] for each in told)
    return verdicts


async def _advance(client: httpx.AsyncClient, stage: Stage, at: str, step: int, *, running: bool) -> None:
    record = {
        "feed": "stage",
        "source_id": f"step-{step}",
        "kind": "stage-time",
        "division_code": "33",
        "to_at": at,
        "running": running,
    }
    answer = await _post(client, f"{stage.urls['intake']}/records", json.dumps(record).encode(), "application/json")
    verdict = json.loads(answer)
    if verdict["verdict"] != "accepted":
        raise PlayError(f"the stage clock was not set: {verdict}")


async def _post(client: httpx.AsyncClient, url: str, body: bytes, kind: str) -> str:
    response = await client.post(url, content=body, headers={"content-type": kind})
    if response.status_code >= 400:
        raise PlayError(f"{url} answered {response.status_code}: {response.text[:500]}")
    return response.text
