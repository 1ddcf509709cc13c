"""Quiescence: everything that was said has been heard, and no service owes any work (`protocol.md` b 38).

All `positions.last` are read first and all `lanes.last`, waiting rows and pending work after them: where they are
equal and 0, it was quiet in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

PATIENCE_SECONDS = 120.0
LOOK_AGAIN_SECONDS = 0.06
Books = Mapping[str, Mapping[str, Any]]


class NotQuietError(Exception):
    """The books did not balance in time; the text names the lanes and who owes what."""


async def read_books(client: httpx.AsyncClient, urls: Mapping[str, str]) -> Books:
    """GET /books of every service: {service: {"positions", "lanes", "waiting", "pending"}}."""
    answers = await asyncio.gather(*(client.get(f"{url}/books") for url in urls.values()))
    return {name: answer.raise_for_status().json() for name, answer in zip(urls, answers, strict=True)}


def unbalanced(positions: Books, lanes: Books) -> list[str]:
    """What is not yet heard or done, in words; empty when it was quiet between the two readings."""
    said = {lane: last for books in lanes.values() for lane, last in books["lanes"].items()}
    owed = [
        f"{name} has heard {heard} of {said.get(lane, 0)} in {lane}"
        for name, books in positions.items()
        for lane, heard in books["positions"].items()
        if heard != said.get(lane, 0)
    ]
    owed += [f"{name} has {books['waiting']} rows to publish" for name, books in lanes.items() if books["waiting"]]
    return owed + [f"{name} has {books['pending']} things to do" for name, books in lanes.items() if books["pending"]]


async def until_quiet(client: httpx.AsyncClient, urls: Mapping[str, str]) -> Books:
    """Waits for quiescence; gives the books that show it. Raises NotQuietError naming what is owed."""
    owed: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                positions = await read_books(client, urls)
                owed = unbalanced(positions, positions)
                if not owed:
                    lanes = await read_books(client, urls)
                    owed = unbalanced(positions, lanes)
                    if not owed:
                        return lanes
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise NotQuietError(f"not quiet after {PATIENCE_SECONDS:.0f} s: " + "; ".join(owed[:8])) from None
