"""The processes that are hurt: replicas of the services, each started by the product's own entry point."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals

import httpx

from deploy.local import Child, free_port, start_child
from tests.faults.chaos.waiting import until

ROOT = Path(__file__).parents[3]
READY_WITHIN = 90.0


@dataclass
class Replica:
    """One place for a process, with its port; it is killed and started again. module: what Python runs."""

    service: str
    letter: str
    module: Sequence[str]
    environment: Mapping[str, str]
    logs: Path
    port: int = field(default_factory=free_port)
    paused: bool = False
    wanted: bool = False
    lives: int = 0
    child: Child | None = None

    @property
    def name(self) -> str:
        return f"{self.service}-{self.letter}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """0 while it does not run."""
        return self.child.pid if self.child is not None and self.child.running() else 0

    @property
    def died(self) -> bool:
        """Whether it ended by itself."""
        return self.wanted and self.child is not None and not self.child.running()

    def last_words(self) -> str:
        return self.child.log_tail(12) if self.child is not None else ""

    @property
    def answers(self) -> bool:
        """Whether it may be asked at all: it runs and is not paused."""
        return self.pid > 0 and not self.paused

    def start(self) -> None:
        """Start the process; `until_ready` waits for it."""
        self.lives += 1
        self.wanted = True
        own = {"GRIDWARD_HTTP_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        words = [sys.executable, "-m", *self.module]
        self.child = start_child(words, {**os.environ, **self.environment, **own}, self.logs / f"{self.name}.log")

    async def kill(self) -> None:
        """As in an accident: SIGKILL."""
        self.wanted = False
        if self.child is not None:
            self.child.signal(Signals.SIGKILL)
            await self.child.wait()

    async def stop(self) -> None:
        """Ends it in order; it must not be paused."""
        self.wanted = False
        if self.child is not None:
            await self.child.stop(patience=30)

    def pause(self) -> None:
        self.paused = True
        self._signal(Signals.SIGSTOP)

    def resume(self) -> None:
        self._signal(Signals.SIGCONT)
        self.paused = False

    def _signal(self, number: Signals) -> None:
        if self.child is not None:
            self.child.signal(number)

    async def until_ready(self, client: httpx.AsyncClient) -> float:
        """Seconds until /readyz says so. Raises TimeoutError with its last words."""
        began = time.monotonic()
        try:
            await until(lambda: self._ready(client), f"{self.name} ready", READY_WITHIN)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; its last words:\n{self.last_words()}") from None
        return time.monotonic() - began

    async def _ready(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/readyz", timeout=5)).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Troop:
    """All replicas of a run."""

    replicas: list[Replica]

    def of(self, service: str) -> list[Replica]:
        return [replica for replica in self.replicas if replica.service == service]

    def with_pid(self, pid: int) -> Replica | None:
        return next((replica for replica in self.replicas if pid and replica.pid == pid), None)

    @property
    def services(self) -> list[str]:
        return list(dict.fromkeys(replica.service for replica in self.replicas))

    async def start(self, client: httpx.AsyncClient) -> None:
        """All of them, ready."""
        for replica in self.replicas:
            replica.start()
        await self.until_ready(client)

    async def until_ready(self, client: httpx.AsyncClient) -> float:
        """Seconds until every replica that is not paused is ready."""
        began = time.monotonic()
        await asyncio.gather(*(each.until_ready(client) for each in self.replicas if each.answers))
        return time.monotonic() - began

    async def stop(self) -> None:
        for replica in self.replicas:
            replica.resume()
        await asyncio.gather(*(replica.stop() for replica in self.replicas))
