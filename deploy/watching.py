"""Whoever plays or serves hears at once that a server or a service has ended, in its last words and not in a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.markup import escape

from deploy.fleet import Fleet, FleetError
from deploy.local import Stack
from deploy.play.quiet import NotQuietError
from deploy.play.stage import PlayError
from services.chassis.health import kafka_trouble

T = TypeVar("T")

STOPPING = (FleetError, PlayError, NotQuietError, OSError, RuntimeError, httpx.HTTPError)
"""What ends a play, with words for a person; KafkaError is a RuntimeError."""
TOLD_WITHIN_SECONDS = 2.0  # a broken connection is noticed a moment before the death that broke it


async def ended(stack: Stack, services: Fleet) -> str:
    """Waits until a server or a service ends by itself; gives its last words."""
    server, service = asyncio.create_task(stack.died.wait()), asyncio.create_task(services.ended())
    try:
        await asyncio.wait({server, service}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.cancel()
        service.cancel()
    return stack.what_died if server.done() else service.result()


async def unless_ended(work: Coroutine[Any, Any, T], stack: Stack, services: Fleet) -> T:
    """What the work gives. Raises FleetError with the last words of a server or a service that ends before it does."""
    working, ending = asyncio.create_task(work), asyncio.create_task(ended(stack, services))
    try:
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done() and working.exception() is not None:
            await asyncio.wait({ending}, timeout=TOLD_WITHIN_SECONDS)
        if words := ending.result() if ending.done() else stack.what_died:
            raise FleetError(words)
        return await working
    finally:
        working.cancel()
        ending.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)


def say_stopped(console: Console, why: Exception | str, head: str = "Stopped") -> None:
    """In red and in words; what looks like markup in them is shown as it is."""
    if isinstance(why, KafkaError):
        why = kafka_trouble(why)
    elif isinstance(why, httpx.HTTPError):
        why = f"a service did not answer as it should ({why!r}): see what it says, and start again"
    console.print(f"[bold red]{head}:[/] {escape(str(why) or type(why).__name__)}")
