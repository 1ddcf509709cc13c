"""Lines out of a body in pieces, and the grouping of single requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.grouping import Grouping
from services.intake.lines import lines_of
from services.intake.reading import LARGEST_LINE, Reading, read
from services.intake.sender import Sender
from services.intake.verdicts import ACCEPTED, Verdict

ANYBODY = Sender("anybody", ("",))


async def lines(*pieces: bytes) -> list[bytes]:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [line async for line in lines_of(body())]


@given(st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r\n", b" ", b"c\nd"]), max_size=12))
def test_lines_are_the_same_however_the_body_is_cut(pieces: list[bytes]) -> None:
    whole = [line.strip() for line in b"".join(pieces).split(b"\n") if line.strip()]
    assert asyncio.run(lines(*pieces)) == whole


async def test_a_byte_order_mark_is_not_part_of_the_first_line() -> None:
    assert await lines(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}") == [b"{}", b"\xef\xbb\xbf{}"]


async def test_of_a_line_that_is_too_long_only_its_beginning_is_held() -> None:
    *_, last = found = await lines(b"x" * LARGEST_LINE, *[b"y" * LARGEST_LINE] * 3, b"z\n", b"{}")
    assert [len(line) for line in found] == [LARGEST_LINE + 1, 2] and last == b"{}"


def a_reading(feed: str) -> Reading:
    return read(b'{"feed": "' + feed.encode() + b'"}', ANYBODY)


async def test_requests_that_arrive_during_a_commit_share_the_next_one() -> None:
    groups: list[list[str]] = []
    begun, committing = asyncio.Event(), asyncio.Event()

    async def admit(readings: Sequence[Reading]) -> list[Verdict]:
        groups.append([reading.feed for reading in readings])
        begun.set()
        await committing.wait()
        return [Verdict(reading.feed, None, None, ACCEPTED) for reading in readings]

    grouping = Grouping(admit, most=3)
    first = asyncio.create_task(grouping.admit(a_reading("f0")))
    await begun.wait()
    others = [asyncio.create_task(grouping.admit(a_reading(f"f{n}"))) for n in range(1, 5)]
    gone = asyncio.create_task(grouping.admit(a_reading("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    committing.set()
    assert [(await task).feed for task in (first, *others)] == ["f0", "f1", "f2", "f3", "f4"]
    assert groups == [["f0"], ["f1", "f2", "f3"], ["f4"]]


async def test_a_failure_falls_on_the_one_who_caused_it() -> None:
    async def admit(readings: Sequence[Reading]) -> list[Verdict]:
        if any(reading.feed == "bad" for reading in readings):
            raise RuntimeError("bad")
        return [Verdict(reading.feed, None, None, ACCEPTED) for reading in readings]

    grouping = Grouping(admit, most=10)
    good, bad, other = (asyncio.create_task(grouping.admit(a_reading(feed))) for feed in ("good", "bad", "other"))
    assert [(await good).word, (await other).word] == [ACCEPTED, ACCEPTED]
    with pytest.raises(RuntimeError):
        await bad
