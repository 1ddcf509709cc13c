"""What cannot be true is told at the door in words; a body that grows too large or finds no room is told so at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.policy.days import SHANGHAI
from services.intake import room
from services.intake.door import door_of
from services.intake.posting import LARGEST_BODY
from services.intake.rules.numbers import check_character
from services.intake.sender import Sender
from services.intake.sheets.table import LARGEST_FILE
from tests.stores.intake_world import GRID, World, a_household, a_test, intake
from tests.stores.served_world import listening
from tests.stores.sheets import TESTS, a_test_row, text_sheet

MEGABYTE = 2**20
SOURCES = str(Path(__file__).parents[1] / "sources")


def born(day: datetime, order: int = 1) -> dict[str, str]:
    first17 = f"330499{day:%Y%m%d}{order:03d}"
    return {"id_number": first17 + check_character(first17)}


def impossible(now: datetime) -> list[tuple[dict[str, Any], str, str]]:
    """Records, the field that is wrong, a word of the reason in English."""
    tomorrow, oldest = (now + timedelta(days=1)).isoformat(), now - timedelta(days=131 * 366)
    long_ago = {"person": {"name": "王某", "birth_date": "1850-01-01"}, "person_ref": "r-3"}
    return [
        (a_test(1, 1, sampled_at=tomorrow, resulted_at=tomorrow), "sampled_at", "future"),
        (a_household(1, visited_at=tomorrow), "visited_at", "future"),
        (a_test(2, 2, person=born(now + timedelta(days=2))), "person.id_number", "born"),
        (a_test(3, 3, **long_ago), "person.birth_date", "year"),
        (a_household(2, members=[{"person": born(oldest)}]), "members[0].person.id_number", "130"),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_time_that_is_yet_to_come_and_an_absurd_age_are_rejected_by_the_wall_clock_in_words(
    database: str, language: str
) -> None:
    now = datetime.now(SHANGHAI)
    async with intake(database) as world:
        cases = impossible(now)
        verdicts = await world.send(*(record for record, _, _ in cases), **{"accept-language": language})
        a_little_fast = a_test(9, 9, resulted_at=(now + timedelta(minutes=5)).isoformat())
        assert await world.words(a_little_fast) == ["accepted"]
        assert len(await world.events()) == 1
    for verdict, (_, field, word) in zip(verdicts, cases, strict=True):
        told = {error["field"]: error for error in verdict["errors"]}
        assert verdict["verdict"] == "rejected" and field in told, verdict
        words = told[field]["why"] + told[field]["would_be_right"]
        chinese = any("\u4e00" <= each <= "\u9fff" for each in words)
        assert chinese if language == "zh" else word in words.lower(), words


async def test_a_row_of_a_sheet_from_the_future_is_rejected_with_its_column(database: str) -> None:
    tomorrow = f"{datetime.now(SHANGHAI) + timedelta(days=1):%Y/%m/%d %H:%M}"
    rows = [TESTS, a_test_row(1), a_test_row(2, 采样时间=tomorrow, 检测时间=tomorrow)]
    async with intake(database) as world:
        answer = await world.client.post("/sheets?mapping=single-tests", content=text_sheet(rows, "utf-8", ","))
        told = [json.loads(line) for line in answer.text.splitlines()]
    assert told[-1]["summary"] == {"rows": 2, "accepted": 1, "duplicate": 0, "rejected": 1}
    [bad] = [line for line in told if line.get("verdict") == "rejected"]
    assert bad["row"] == 3 and {error["field"] for error in bad["errors"]} >= {"采样时间"}


@asynccontextmanager
async def connected(database: str) -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    """Over a real connection, so that a body without a length comes in chunks."""
    async with (
        listening(database, sources=SOURCES) as (world, url),
        httpx.AsyncClient(base_url=url, headers=world.client.headers, timeout=60) as client,
    ):
        yield world, client


class Growing:
    """A body in chunks without an end of its own; sent: how much of it went out."""

    def __init__(self, most: int) -> None:
        self.sent, self._most = 0, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < self._most:
            self.sent += MEGABYTE
            yield b" " * MEGABYTE


TOO_LARGE = [
    ("/sheets?mapping=single-tests", "application/octet-stream", LARGEST_FILE, 422),
    ("/hl7", "application/hl7-v2", LARGEST_BODY, 413),
    ("/fhir?feed=jiashan-hospital", "application/fhir+json", LARGEST_BODY, 413),
    ("/records", "application/json", LARGEST_BODY, 413),
]


@pytest.mark.parametrize(("path", "kind", "largest", "status"), TOO_LARGE)
async def test_a_body_without_a_length_is_refused_once_it_is_too_large(
    database: str, path: str, kind: str, largest: int, status: int
) -> None:
    async with connected(database) as (world, client):
        body = Growing(largest + MEGABYTE)
        answer = await client.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code == status, answer.text
        assert f"{largest:,}" in answer.text or f"{largest // MEGABYTE}" in answer.text
        assert await world.pool.fetchval("select count(*) from records") == 0


@pytest.mark.parametrize(("path", "kind"), [each[:2] for each in TOO_LARGE])
async def test_a_body_in_chunks_waits_outside_when_the_room_is_full(
    database: str, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    """Before its memory is taken: no more than what lies in the buffers between goes out."""
    monkeypatch.setattr(room, "MOST_BYTES", 4 * MEGABYTE)
    async with connected(database) as (world, client):
        with ExitStack() as held:
            hold = held.enter_context(door_of(world.app).room.holding())
            hold(3 * MEGABYTE)
            answer = await client.post(path, content=Growing(2 * MEGABYTE), headers={"content-type": kind})
            assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1, answer.text
        again = await client.post(path, content=Growing(2 * MEGABYTE), headers={"content-type": kind})
        assert again.status_code != 429


async def test_no_body_is_begun_when_all_places_are_taken(database: str) -> None:
    async with connected(database) as (world, client):
        with ExitStack() as held:
            for _ in range(room.MOST_BODIES):
                held.enter_context(door_of(world.app).room.body(Sender("other", ("",))))
            for path, kind, _, _ in TOO_LARGE[:3]:
                answer = await client.post(path, content=Growing(MEGABYTE), headers={"content-type": kind})
                assert answer.status_code == 429 and "retry-after" in answer.headers, path


async def test_a_micro_grid_is_named_as_tokens_name_it(database: str) -> None:
    """A letter above "~" would lie outside every range of codes: no figure of the grid, no list would show it."""
    async with intake(database) as world:
        suffixes = ("A-1", "_2.b", "东", "~", "1234567890")
        told = await world.send(*(a_test(n, n, division_code=f"{GRID}{end}") for n, end in enumerate(suffixes, 1)))
    assert [each["verdict"] for each in told] == ["accepted"] * 2 + ["rejected"] * 3
    assert {each["errors"][0]["field"] for each in told[2:]} == {"division_code"}
