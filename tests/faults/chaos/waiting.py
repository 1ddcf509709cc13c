"""Waiting for a condition that lies in another process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T]], what: str, seconds: float, look_again: float = 0.05) -> T:
    """What the condition gives as soon as it is true. Raises TimeoutError that names it."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await condition()):  # noqa: ASYNC110 - what is waited for lies in another process
                await asyncio.sleep(look_again)
    except TimeoutError:
        raise TimeoutError(f"not within {seconds:.0f} s: {what}") from None
    return found
