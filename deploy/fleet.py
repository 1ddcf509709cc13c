"""The four services as four processes on given servers: started, watched until ready, stopped together."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from contracts.topics import SERVICES
from deploy.local import Child, free_port, start_child

READY_WITHIN_SECONDS = 60.0


class FleetError(Exception):
    """A service did not come up or ended by itself; the text says which, and its last words."""


@dataclass(frozen=True)
class Fleet:
    """Where each service listens, and its process."""

    urls: Mapping[str, str]
    children: Mapping[str, Child]

    async def ended(self) -> str:
        """Waits until one of them ends by itself; gives its obituary."""
        waits = {asyncio.create_task(child.wait()): name for name, child in self.children.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return self.obituary(waits[done.pop()])

    def obituary(self, name: str) -> str:
        """The last words of a service that has ended."""
        child = self.children[name]
        return f"{name} ended by itself with code {child.returncode}. Its last words:\n{child.log_tail(30)}"


@asynccontextmanager
async def fleet(environment: Mapping[str, str], logs: Path) -> AsyncIterator[Fleet]:
    """The four services, ready. environment: GRIDWARD_* settings shared by all; logs: a directory for their output."""
    ports = {name: free_port() for name in SERVICES}
    children = {name: _start(name, ports[name], environment, logs) for name in SERVICES}
    running = Fleet({name: f"http://127.0.0.1:{port}" for name, port in ports.items()}, children)
    try:
        await asyncio.gather(*(_ready(running, name) for name in SERVICES))
        yield running
    finally:
        await asyncio.gather(*(child.stop() for child in children.values()))


def _start(name: str, port: int, environment: Mapping[str, str], logs: Path) -> Child:
    own = {"GRIDWARD_HTTP_HOST": "127.0.0.1", "GRIDWARD_HTTP_PORT": str(port)}
    return start_child(
        [sys.executable, "-m", "services", name], {**os.environ, **environment, **own}, logs / f"{name}.log"
    )


async def _ready(running: Fleet, name: str) -> None:
    answer = "no answer yet"
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS), httpx.AsyncClient() as client:
            while running.children[name].running():
                answer = await _asked(client, f"{running.urls[name]}/readyz")
                if not answer:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise FleetError(f"{name} is not ready after {READY_WITHIN_SECONDS:.0f} s: {answer}") from None
    raise FleetError(running.obituary(name))


async def _asked(client: httpx.AsyncClient, url: str) -> str:
    """Why it is not ready; empty when it is."""
    try:
        response = await client.get(url)
    except httpx.TransportError as away:
        return str(away) or type(away).__name__
    return "" if response.status_code == 200 else response.text
