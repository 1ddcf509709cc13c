"""Quiescence over replicas: any that answers speaks for its service, since the books lie in the database."""

from __future__ import annotations

import asyncio

import httpx

from deploy.play.quiet import Books, NotQuietError, unbalanced
from tests.faults.chaos.replicas import Troop

PATIENCE = 180.0
LOOK_AGAIN = 0.15


class Away(Exception):
    """No replica of a service answers now."""


async def read_books(client: httpx.AsyncClient, troop: Troop) -> Books:
    """The books of every service. Raises Away."""
    books = await asyncio.gather(*(_books(client, troop, name) for name in troop.services))
    return dict(zip(troop.services, books, strict=True))


async def _books(client: httpx.AsyncClient, troop: Troop, service: str) -> dict[str, object]:
    for replica in troop.of(service):
        if replica.answers:
            try:
                answer = await client.get(f"{replica.url}/books", timeout=10)
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                books: dict[str, object] = answer.json()
                return books
    raise Away(f"no replica of {service} answers")


async def until_quiet(client: httpx.AsyncClient, troop: Troop, patience: float = PATIENCE) -> Books:
    """Waits for quiescence, over every accident; gives the books. Raises NotQuietError naming what is owed."""
    owed = ["nobody was asked yet"]
    try:
        async with asyncio.timeout(patience):
            while True:
                try:
                    positions = await read_books(client, troop)
                    owed = unbalanced(positions, positions)
                    if not owed:
                        lanes = await read_books(client, troop)
                        owed = unbalanced(positions, lanes)
                        if not owed:
                            return lanes
                except Away as away:
                    owed = [str(away)]
                await asyncio.sleep(LOOK_AGAIN)
    except TimeoutError:
        raise NotQuietError(f"not quiet after {patience:.0f} s: " + "; ".join(owed[:8])) from None
