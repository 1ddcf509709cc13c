"""HTTP/1.1 over kept connections, as little of it as a load needs: a full client would take the core measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from benchmarks.measure import BenchError


class ComeBackLater(BenchError):
    """The server answered 429: it takes no more at present. seconds: when to come back, if it said so."""

    def __init__(self, message: str, seconds: int | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Line:
    """One connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader, self._writer = reader, writer
        self._common = f"host: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"

    async def post(self, path: str, body: bytes, kind: str) -> bytes:
        """The body of the answer. Raises ComeBackLater at 429, BenchError at all else but 200."""
        head = f"POST {path} HTTP/1.1\r\n{self._common}content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        return await self._asked(head.encode() + body)

    async def get(self, path: str) -> bytes:
        """As `post`."""
        return await self._asked(f"GET {path} HTTP/1.1\r\n{self._common}\r\n".encode())

    async def _asked(self, request: bytes) -> bytes:
        self._writer.write(request)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        body = await self._body(head)
        if not head.startswith(b"http/1.1 200"):
            status = head.splitlines()[0].decode()
            words = f"answered {status}: {body[:500].decode()}"
            if " 429" in status:
                after = head.partition(b"retry-after:")[2].partition(b"\r\n")[0].strip()
                raise ComeBackLater(words, int(after) if after else None)
            raise BenchError(words)
        return body

    async def _body(self, head: bytes) -> bytes:
        if b"transfer-encoding: chunked" not in head:
            return await self._reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        pieces = list[bytes]()
        while size := int(await self._reader.readline(), 16):
            pieces.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readexactly(2)
        return b"".join(pieces)


@asynccontextmanager
async def lines(url: str, count: int, token: str) -> AsyncIterator[list[Line]]:
    """Open connections, closed after the block."""
    to = urlsplit(url)
    opened = [await asyncio.open_connection(to.hostname, to.port, limit=2**24) for _ in range(count)]
    try:
        yield [Line(reader, writer, token) for reader, writer in opened]
    finally:
        for _, writer in opened:
            writer.close()
