"""An answer that goes out while its request still comes in: each batch is told as soon as it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

import structlog
from fastapi import Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

log = structlog.get_logger()


class Streamed(Response):
    """Parts as they are known. What the answer needs is given back whatever becomes of it.

    Reading goes on whether or not the client reads: one that sends its whole body first and reads then is not waited
    for. What it has not read yet is held here, at most the verdicts of one body. Starlette's StreamingResponse would
    take the body's next piece for a sign that the client has gone.
    """

    def __init__(self, parts: AsyncIterator[bytes], room: ExitStack, media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._parts, self._room = parts, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting = asyncio.Queue[bytes | None]()
        with self._room:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            sending = asyncio.create_task(_sent(waiting, send))
            try:
                async for part in self._parts:
                    waiting.put_nowait(part)
                waiting.put_nowait(None)
                await sending
            except ClientDisconnect:
                log.info("a sender broke off; whole batches were taken")
            finally:
                sending.cancel()


async def begun(parts: AsyncIterator[bytes], room: ExitStack, media_type: str) -> Streamed:
    """The answer with its first part: what is wrong before that is raised, and has a status of its own."""
    first = await anext(parts, b"")
    return Streamed(_after(first, parts), room.pop_all(), media_type)


async def _after(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part


async def _sent(waiting: asyncio.Queue[bytes | None], send: Send) -> None:
    while (part := await waiting.get()) is not None:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
