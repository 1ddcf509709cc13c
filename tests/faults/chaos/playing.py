"""A sample played over replicas: each step sets the stage clock, waits for quiet, sends, waits for quiet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.play.quiet import Books
from deploy.sample.timeline import Step, read_timeline
from tests.faults.chaos.calm import until_quiet
from tests.faults.chaos.replicas import Troop
from tests.faults.chaos.sender import JSON, NDJSON, NotTakenError, Sender


@dataclass
class Boundary:
    """The instant before the stage clock moves, when all is quiet: who waits for it holds the clock back meanwhile."""

    _wanted: int = 0
    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    async def reach(self) -> None:
        """Wait until the clock is about to move; `leave` lets it."""
        self._wanted += 1
        self._free.clear()
        await self._reached.wait()

    def leave(self) -> None:
        self._wanted -= 1
        self._reached.clear()
        self._free.set()

    async def cross(self) -> None:
        """The player's side."""
        if self._wanted:
            self._reached.set()
            await self._free.wait()

    def end(self) -> None:
        """No step follows: whoever waits goes on."""
        self.over = True
        self._reached.set()


@dataclass
class Player:
    """Plays one sample. on_step: called before each step; steps: how many were played."""

    client: httpx.AsyncClient
    troop: Troop
    sender: Sender
    on_step: Callable[[Step, int], None]
    boundary: Boundary = field(default_factory=Boundary)
    steps: int = 0
    books: Books = field(default_factory=dict)

    async def play(self, sample: Path) -> None:
        """To its end. Raises NotQuietError, NotTakenError."""
        await self._load(sample)
        for step in read_timeline(sample):
            self.on_step(step, len(self.sender.accounts))
            await self.boundary.cross()
            await self._advance(step)
            await until_quiet(self.client, self.troop)
            lines = [line for feed in step.feeds for line in feed.read_bytes().splitlines(keepends=True)]
            await self.sender.send(lines)
            self.books = await until_quiet(self.client, self.troop)
            self.steps += 1
        self.boundary.end()

    async def _load(self, sample: Path) -> None:
        await self.sender.post("/grids", (sample / "grids.csv").read_bytes(), "text/csv")
        url = f"{self.troop.of('alerts')[0].url}/posts"
        posts = (sample / "posts.ndjson").read_bytes()
        (await self.client.post(url, content=posts, headers={"content-type": NDJSON}, timeout=60)).raise_for_status()

    async def _advance(self, step: Step) -> None:
        told = {"feed": "stage", "source_id": f"step-{self.steps}", "kind": "stage-time", "division_code": "33"}
        body = json.dumps(told | {"to_at": step.at.isoformat(), "running": False}).encode()
        verdict = json.loads(await self.sender.post("/records", body, JSON))
        if verdict["verdict"] not in ("accepted", "duplicate"):
            raise NotTakenError(f"the stage clock was not set: {verdict}")
