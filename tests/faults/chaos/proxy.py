"""The network between a service and the broker: a TCP port in front of another, which can be lost and found again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

CHUNK = 1 << 16


class Proxy:
    """Passes bytes on. Lost: nothing passes, and what was under way arrives when the network is found again."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self._flows = asyncio.Event()
        self._flows.set()
        self._pairs: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Ends every connection, then listens no more."""
        if self._server is not None:
            self._server.close()
        self.reset()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    def lose(self) -> None:
        """From now on nothing passes; connections stay open, as when a cable is pulled."""
        self._flows.clear()

    def find(self) -> None:
        """What was held back arrives now, late."""
        self._flows.set()

    def reset(self) -> None:
        """Every connection ends at once, as when a firewall restarts."""
        for pair in self._pairs:
            pair.cancel()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = asyncio.create_task(self._join(reader, writer))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, there))
                group.create_task(self._pass(back, writer))
        except* OSError:
            pass
        finally:
            for each in filter(None, (writer, there)):
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(CHUNK):
                await self._flows.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()
