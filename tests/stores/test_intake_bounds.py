"""What clients may send before anybody looks at it: bodies and heads without end, too slow, or half a character."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from services.alerts.routes import LARGEST_POSTS
from services.alerts.service import SERVICE as ALERTS
from services.chassis import bounds
from services.chassis.database import open_pool
from services.chassis.health import Health
from services.chassis.service import App
from services.chassis.web import make_web
from services.intake import room
from services.intake.routes import LARGEST_GRID_FILE
from tests.stores import served_world
from tests.stores.intake_world import NDJSON, World, a_test, intake, settings_of
from tests.stores.served_world import listening
from tests.stores.test_intake_door_limits import MEGABYTE, Growing

JSON = {"content-type": "application/json"}


def dialled(url: str) -> AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    where = urlsplit(url)
    return served_world.dialled(str(where.hostname), where.port or 80)


async def answered(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server closes."""
    async with asyncio.timeout(20):
        with suppress(ConnectionError):
            return await reader.read()
    return b""


@pytest.mark.parametrize("path", ["/keys", "/people/lookups", "/people/openings", "/leads/x/landed"])
async def test_a_stranger_makes_no_service_hold_a_body_without_end(database: str, path: str) -> None:
    async with listening(database) as (_, url), httpx.AsyncClient(base_url=url) as stranger:
        answer = await stranger.post(path, content=Growing(8 * MEGABYTE), headers=JSON)
        assert (answer.status_code, "1,048,576" in answer.text) == (413, True), answer.text


async def test_a_file_of_grids_or_posts_is_refused_once_it_is_too_large(database: str) -> None:
    async with listening(database) as (world, url):
        async with httpx.AsyncClient(base_url=url, headers=world.client.headers) as client:
            answer = await client.post("/grids", content=Growing(LARGEST_GRID_FILE + MEGABYTE))
            assert (answer.status_code, f"{LARGEST_GRID_FILE:,}" in answer.text) == (413, True)
            answer = await client.post("/grids", content=Growing(2 * MEGABYTE))
            assert answer.status_code == 422, "a file beyond what other routes take is read"
        headers = world.signed_in("desk", "operator")
    settings = settings_of(database)
    pool = await open_pool("alerts", ALERTS.schema, settings)
    transport = httpx.ASGITransport(make_web(App(ALERTS, settings, pool), Health("alerts")))
    async with httpx.AsyncClient(transport=transport, base_url="http://alerts", headers=headers) as client:
        answer = await client.post("/posts", content=b"\n" * (LARGEST_POSTS + 1))
        assert (answer.status_code, f"{LARGEST_POSTS:,}" in answer.text) == (413, True)
        assert (await client.post("/posts", content=b"\n" * 2 * MEGABYTE)).json() == {"posts": 0}
    await pool.close()


async def test_senders_who_went_away_in_the_middle_of_a_body_hold_no_place(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SLOWEST_PIECE", 0.5)
    monkeypatch.setattr(room, "MOST_BODIES", 2)
    async with listening(database) as (world, url), dialled(url) as one, dialled(url) as two:
        for _, writer in (one, two):
            head = f"POST /records HTTP/1.1\r\nhost: x\r\nauthorization: {world.client.headers['authorization']}\r\n"
            writer.write(f"{head}content-type: application/x-ndjson\r\ncontent-length: 100\r\n\r\n{{".encode())
        async with httpx.AsyncClient(base_url=url, headers={**world.client.headers, **NDJSON}) as client:
            line = json.dumps(a_test(1, 1)).encode()
            statuses = [(await client.post("/records", content=line)).status_code for _ in range(10)]
            assert statuses[-1] == 429, statuses
            answers = [await answered(reader) for reader, _ in (one, two)]
            assert all(each.startswith(b"HTTP/1.1 408") and b"send it again" in each for each in answers), answers
            assert (await client.post("/records", content=line)).status_code == 200


@pytest.mark.parametrize("piece", [b"x" * 4096, b"x: " + b"y" * 1000 + b"\r\n"], ids=["one", "many"])
async def test_headers_without_end_are_refused(database: str, piece: bytes) -> None:
    async with listening(database) as (_, url), dialled(url) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nlong: ")
        with suppress(ConnectionError):
            for _ in range(16 * MEGABYTE // len(piece)):
                writer.write(piece)
                await writer.drain()
                if reader.at_eof() or writer.is_closing():
                    break
            else:
                pytest.fail("16 MB of headers were taken")
        assert (await answered(reader)).startswith((b"HTTP/1.1 400", b""))


async def test_a_request_that_comes_whole_in_one_piece_has_no_long_head(database: str) -> None:
    line = b'{"feed": "lab"}\n'
    body = line * (100_000 // len(line))
    async with listening(database) as (world, url), dialled(url) as (reader, writer):
        head = f"POST /records HTTP/1.1\r\nhost: x\r\nauthorization: {world.client.headers['authorization']}\r\n"
        head += f"content-type: application/x-ndjson\r\ncontent-length: {len(body)}\r\n\r\n"
        for _ in range(2):
            writer.write(head.encode() + body)
            async with asyncio.timeout(60):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                while size := int(await reader.readline(), 16):
                    await reader.readexactly(size + 2)
                await reader.readexactly(2)


async def test_a_head_that_does_not_come_closes_the_connection_and_one_in_time_does_not(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SLOWEST_HEAD", 0.4)
    async with listening(database) as (_, url), dialled(url) as silent, dialled(url) as slow, dialled(url) as well:
        slow[1].write(b"GET /healthz HTTP/1.1\r\nhost")
        for _ in range(3):
            well[1].write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(20):
                assert b"200 OK" in await well[0].readuntil(b"}")
            await asyncio.sleep(0.25)
        assert (await answered(silent[0]), await answered(slow[0])) == (b"", b"")


HALF = '"\\ud800"'
ROUTES = (
    ("/keys", f'{{"feed": "x", "divisions": ["33"], "note": {HALF}}}'),
    ("/people/lookups", f'{{"purpose": "tracing", "id_numbers": [{HALF}]}}'),
    ("/people/openings", f'{{"purpose": "care", "person_ids": [{HALF}]}}'),
    ("/people/searches", f'{{"purpose": "care", "query": {HALF}}}'),
    ("/people/merges", f'{{"person_id": {HALF}, "other_id": "b", "reason": "same"}}'),
    ("/people/reviews/x", f'{{"decision": "same", "reason": {HALF}}}'),
    ("/leads/x/landed", f'{{"source_id": {HALF}}}'),
)


async def test_half_a_character_is_answered_and_what_was_sent_is_not_told_back(database: str) -> None:
    async with intake(database) as world:
        everybody = world.signed_in("x", "operator", "identity-reader", "leader")
        for path, body in ROUTES:
            answer = await world.client.post(path, content=body, headers={**everybody, **JSON})
            assert answer.status_code == 422 and "\\ud800" not in answer.text, (path, answer.text)
        answer = await _wrong_phone(world)
        assert "13800000001" not in answer.text and "phones" in answer.text


async def _wrong_phone(world: World) -> httpx.Response:
    return await world.client.post("/people/lookups", json={"purpose": "tracing", "phones": [13800000001]})
