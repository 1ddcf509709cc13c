"""How much a client may send, and how slowly, before and beside what its route looks at: heads and bodies of HTTP.

FastAPI reads the whole body of a route that declares one before it asks who sends it, and uvicorn bounds no head.
"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_BODY = 1024 * 1024
"""Of a route that does not say by `may_be` how large its body may be."""
LARGEST_HEAD = 64 * 1024
SLOWEST_PIECE = 60.0
"""Seconds for the next piece of a body: who went away in the middle of one must not hold its place."""
SLOWEST_HEAD = 20.0
"""Seconds for a whole head."""
_MAY_BE = "gridward.largest_body"


def may_be(request: Request, largest: int) -> None:
    """The body of this request may have so many bytes; to be said before it is read. Raises 413 if it says more."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > largest:
        raise _too_large(largest)
    request.scope[_MAY_BE] = largest


def _too_large(largest: int) -> HTTPException:
    return HTTPException(413, f"more than {largest:,} bytes in one request: send it in several")


class BodiesBounded:
    """ASGI middleware: reading a body raises 413 once it is too large, 408 once its next piece is too late."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, comes = 0, True

        async def bounded() -> Message:
            nonlocal size, comes
            if not comes:  # it is waited for that the client goes
                return await receive()
            try:
                async with asyncio.timeout(SLOWEST_PIECE):
                    message = await receive()
            except TimeoutError:
                why = f"the next piece of the body did not come within {SLOWEST_PIECE:g} s: send it again"
                raise HTTPException(408, why, {"connection": "close"}) from None
            size += len(message.get("body", b""))
            comes = bool(message.get("more_body", False))
            if size > (largest := scope.get(_MAY_BE, LARGEST_BODY)):
                raise _too_large(largest)
            return message

        await self._app(scope, bounded if scope["type"] == "http" else receive, send)


class HeadsBounded(HttpToolsProtocol):
    """A connection that is closed when the head of a request is too long or takes too long."""

    _in_head, _size, _heads = True, 0, 0
    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        before = self._in_head, self._heads
        super().data_received(data)
        # A request that came whole in one piece has left its head behind, and its body is no part of the next one's.
        if before != (True, self._heads) or not self._in_head or self.transport.is_closing():
            return
        self._size += len(data)
        if self._size > LARGEST_HEAD:
            self.send_400_response(f"more than {LARGEST_HEAD:,} bytes of headers in one request")
        self._wait()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heads += 1
        self._wait_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._size = True, 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._too_late = self._too_late or self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None
