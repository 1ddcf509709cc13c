"""Sends a sample by intake's door, step by step on the stage clock, and waits for quiet after each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.play.quiet import until_quiet
from deploy.play.stage import PlayError, Stage
from deploy.play.ways import WAYS, Parcel, post, send
from deploy.sample.timeline import Step, read_timeline


@dataclass
class Played:
    """How many records a play has sent, and how many steps it has played."""

    sent: int = 0
    steps: int = 0


async def play(stage: Stage, sample: Path, on_step: Callable[[Step, int], None]) -> Played:
    """Plays a sample directory to its end. on_step: called before each step, with the records sent so far."""
    played = Played()
    async with stage.client() as client:
        await post(client, f"{stage.urls['intake']}/grids", (sample / "grids.csv").read_bytes(), "text/csv")
        await post(
            client, f"{stage.urls['alerts']}/posts", (sample / "posts.ndjson").read_bytes(), "application/x-ndjson"
        )
        for step in read_timeline(sample):
            on_step(step, played.sent)
            await _advance(client, stage, step.at.isoformat(), played.steps, running=False)
            await until_quiet(client, stage.urls)
            played.sent += await _deliver(stage, client, step.feeds)
            await until_quiet(client, stage.urls)
            played.steps += 1
    return played


async def let_time_run(stage: Stage, sample: Path) -> None:
    """From the last step on the stage clock goes on at wall speed."""
    steps = read_timeline(sample)
    async with stage.client() as client:
        await _advance(client, stage, steps[-1].at.isoformat(), len(steps), running=True)


async def _deliver(stage: Stage, client: httpx.AsyncClient, feeds: Sequence[Path]) -> int:
    """Canonical records first, then what comes by other ways."""
    others = {feed: way for feed in feeds if (way := WAYS.get("".join(feed.suffixes)))}
    sent = (await send(client, stage.urls["intake"], [feed for feed in feeds if feed not in others])).total()
    for feed, way in others.items():
        sent += await way(stage, client, Parcel.of(feed))
    return sent


async def _advance(client: httpx.AsyncClient, stage: Stage, at: str, step: int, *, running: bool) -> None:
    record = {
        "feed": "stage",
        "source_id": f"step-{step}",
        "kind": "stage-time",
        "division_code": "33",
        "to_at": at,
        "running": running,
    }
    answer = await post(client, f"{stage.urls['intake']}/records", json.dumps(record).encode(), "application/json")
    verdict = json.loads(answer)
    if verdict["verdict"] != "accepted":
        raise PlayError(f"the stage clock was not set: {verdict}")
