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
ENDS_WITHIN_SECONDS = 30.0  # a service takes up to 20 s for what is under way, and some for its connections


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
        """The last words of a service that has ended, unless they were seen by whoever sees ours."""
        child = self.children[name]
        words = child.log_tail(30)
        said = f"Its last words:\n{words}" if words else "Its last words are above."
        return f"{name} ended by itself with code {child.returncode}. {said}"


@asynccontextmanager
async def fleet(
    environment: Mapping[str, str], logs: Path | None, host: str = "127.0.0.1", first_port: int = 0
) -> AsyncIterator[Fleet]:
    """The four services, ready; stopped in peace after the block. Raises FleetError.

    environment: GRIDWARD_* settings shared by all. logs: a directory for their output; None: it goes where ours goes.
    first_port: of intake, the next three are those of tracing, alerts and rollup; 0: any free ones.
    """
    ports = {name: first_port + number if first_port else free_port() for number, name in enumerate(SERVICES)}
    children = {name: _start(name, {**environment, **_listening(host, ports[name])}, logs) for name in SERVICES}
    running = Fleet({name: _url(host, port) for name, port in ports.items()}, children)
    try:
        await asyncio.gather(*(_ready(running, name) for name in SERVICES))
        yield running
    finally:
        await asyncio.gather(*(child.stop(ENDS_WITHIN_SECONDS) for child in children.values()))


def _listening(host: str, port: int) -> Mapping[str, str]:
    return {"GRIDWARD_HTTP_HOST": host, "GRIDWARD_HTTP_PORT": str(port)}


def _url(host: str, port: int) -> str:
    """Where this machine reaches what listens on `host`."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not listened on
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"


def _start(name: str, environment: Mapping[str, str], logs: Path | None) -> Child:
    words = [sys.executable, "-m", "services", name]
    return start_child(words, {**os.environ, **environment}, logs / f"{name}.log" if logs else None)


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
