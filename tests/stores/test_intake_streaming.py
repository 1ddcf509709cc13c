"""Bulk answers stream: a batch's verdicts are there while the rest of the body is still to be sent."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from services.intake.door import BATCH
from services.intake.posting import BROKEN_OFF, LARGEST_BODY
from services.intake.room import MOST_BODIES
from tests.faults.chaos.waiting import until
from tests.stores.intake_world import World, a_test, intake
from tests.stores.served_world import listening

PATIENCE = 60.0
SMALL = 16 * 1024
MEGABYTE = 2**20


class Sending:
    """One request whose body is sent in pieces, by hand, over a connection of its own."""

    def __init__(self, world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer, self._size = reader, writer, 0
        token = world.client.headers["authorization"]
        head = f"POST /records HTTP/1.1\r\nhost: intake\r\nauthorization: {token}\r\nconnection: close\r\n"
        writer.write(f"{head}content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n".encode())

    async def send(self, piece: bytes) -> None:
        self._size += len(piece)
        self.writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await self.writer.drain()

    async def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def grow(self) -> None:
        """Blanks, until the body is one byte larger than one may be: nothing is left unread."""
        while missing := LARGEST_BODY - self._size:
            await self.send(b" " * min(missing, MEGABYTE))
        await self.send(b" ")

    async def status(self) -> int:
        head = await self._reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def part(self) -> list[dict[str, Any]]:
        """The verdicts of the next chunk; none after the last."""
        size = int(await self._reader.readline(), 16)
        chunk = (await self._reader.readexactly(size + 2))[:-2]
        return [json.loads(line) for line in chunk.splitlines()]

    async def rest(self) -> list[dict[str, Any]]:
        told = list[dict[str, Any]]()
        while part := await self.part():
            told += part
        return told


@asynccontextmanager
async def opened(world: World, url: str, buffers: int = MEGABYTE) -> AsyncIterator[Sending]:
    to = urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (to.hostname, to.port))
    sending = Sending(world, *await asyncio.open_connection(sock=connection, limit=buffers))
    try:
        yield sending
    finally:
        sending.writer.close()


def lines(first: int, last: int) -> bytes:
    return b"".join(json.dumps(a_test(n, n)).encode() + b"\n" for n in range(first, last))


async def test_the_first_verdicts_are_read_before_the_rest_is_sent(database: str) -> None:
    async with listening(database) as (world, url), opened(world, url) as sending, asyncio.timeout(PATIENCE):
        await sending.send(lines(0, BATCH))
        assert await sending.status() == 200
        first = await sending.part()
        assert [verdict["source_id"] for verdict in first] == [f"test-{n}" for n in range(BATCH)]
        assert await world.pool.fetchval("select count(*) from records") == BATCH
        await sending.send(lines(BATCH, BATCH + 5))
        await sending.end()
        assert [verdict["verdict"] for verdict in first + await sending.rest()] == ["accepted"] * (BATCH + 5)


async def test_who_sends_everything_before_reading_anything_is_answered_too(database: str) -> None:
    """More in both directions than all buffers between hold."""
    count, line = 12 * BATCH, b'{"feed": "lab", "kind": "?", "words": "%s"}\n' % (b"x" * 700)
    async with listening(database) as (world, url), opened(world, url, SMALL) as sending, asyncio.timeout(PATIENCE):
        for _ in range(count // 100):
            await sending.send(line * 100)
        await sending.end()
        assert await sending.status() == 200
        assert [verdict["verdict"] for verdict in await sending.rest()] == ["rejected"] * count
        assert (await world.ledger())["lab"]["received"] == count


async def test_a_batch_that_fails_later_is_told_in_the_last_line(database: str) -> None:
    async with listening(database) as (world, url), opened(world, url) as sending, asyncio.timeout(PATIENCE):
        await sending.send(lines(0, BATCH))
        assert await sending.status() == 200 and len(await sending.part()) == BATCH
        await world.pool.execute("alter table outbox rename to away")
        await sending.send(lines(BATCH, BATCH + 5))
        await sending.end()
        assert await sending.rest() == [{"error": BROKEN_OFF}]
        await world.pool.execute("alter table away rename to outbox")
        again = await world.words(*(a_test(n, n) for n in range(BATCH + 5)))
    assert again == ["duplicate"] * BATCH + ["accepted"] * 5


async def test_a_body_that_grows_too_large_is_refused_with_413(database: str) -> None:
    async with listening(database) as (world, url), opened(world, url) as sending, asyncio.timeout(PATIENCE):
        await sending.grow()
        assert await sending.status() == 413


async def test_a_body_that_grows_too_large_after_its_first_answer_is_told_so_in_the_last_line(database: str) -> None:
    async with listening(database) as (world, url), opened(world, url) as sending, asyncio.timeout(PATIENCE):
        await sending.send(lines(0, BATCH))
        assert await sending.status() == 200 and len(await sending.part()) == BATCH
        await sending.grow()
        [last] = await sending.rest()
        assert last["error"].startswith(f"more than {LARGEST_BODY:,} bytes")


async def test_a_list_is_answered_by_a_list_however_long(database: str) -> None:
    async with intake(database) as world:
        answers = [
            (await world.client.post("/records", json=[a_test(n, n) for n in range(count)])).json()
            for count in (0, 1, BATCH, 2 * BATCH + 1)
        ]
    assert [len(answer) for answer in answers] == [0, 1, BATCH, 2 * BATCH + 1]
    assert [verdict["source_id"] for verdict in answers[3]] == [f"test-{n}" for n in range(2 * BATCH + 1)]


async def test_who_breaks_off_gives_the_room_back(database: str) -> None:
    async with AsyncExitStack() as around, asyncio.timeout(PATIENCE):
        world, url = await around.enter_async_context(listening(database))
        under_way = [await around.enter_async_context(opened(world, url)) for _ in range(MOST_BODIES)]
        for each in under_way:
            await each.send(lines(0, BATCH))
            assert await each.status() == 200
        refused = await world.client.post(f"{url}/records", json=[a_test(1, 1)])
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        under_way[0].writer.close()

        async def taken() -> bool:
            return (await world.client.post(f"{url}/records", json=[a_test(1, 1)])).status_code == 200

        await until(taken, "the room is given back", PATIENCE)
        for each in under_way[1:]:
            await each.end()
            assert len(await each.rest()) == BATCH


async def test_who_breaks_off_before_an_answer_leaves_no_stack_trace(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(database) as (world, url), asyncio.timeout(PATIENCE):
        with capture_logs() as heard:
            async with opened(world, url) as sending:
                await sending.send(lines(0, 5))

            async def noticed() -> bool:
                return any("broke off" in told["event"] for told in heard)

            await until(noticed, "it is noticed", PATIENCE)
        assert (await world.ledger()).get("lab") is None
    assert "Traceback" not in caplog.text
