"""The ways in which a step's files go in, by suffix: records, HL7 v2, FHIR, another cluster's topic, sheets, taps."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.play.stage import PlayError, Stage
from deploy.sample.forms.carrying import UPSTREAM_TOPIC
from deploy.sample.forms.hl7 import END, START

LINES_A_REQUEST = 5_000
PATIENCE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class Parcel:
    """What a feed sends at a step: `0305-0900-lis-nanhu.hl7` of a sample."""

    feed: str
    suffix: str
    body: bytes
    sample: Path

    @classmethod
    def of(cls, file: Path) -> Parcel:
        """Read it."""
        suffix = "".join(file.suffixes)
        feed = file.name.removesuffix(suffix).split("-", 2)[2]
        return cls(feed, suffix, file.read_bytes(), file.parents[1])


Way = Callable[[Stage, httpx.AsyncClient, Parcel], Awaitable[int]]
"""Gives how many records were sent, each with its answer. Raises PlayError."""


async def by_mllp(stage: Stage, client: httpx.AsyncClient, parcel: Parcel) -> int:
    """Each message after the answer to the one before, over one connection."""
    frames = [frame + END for frame in parcel.body.split(END) if frame]
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.mllp_port)
    try:
        for frame in frames:
            writer.write(frame)
            _must_be_answered(1, await asyncio.wait_for(reader.readuntil(END), PATIENCE_SECONDS))
    finally:
        writer.close()
    return len(frames)


async def by_hl7(stage: Stage, client: httpx.AsyncClient, parcel: Parcel) -> int:
    """All of them in one request."""
    messages = parcel.body.count(b"MSH|")
    answer = await post(client, f"{stage.urls['intake']}/hl7", parcel.body, "application/hl7-v2")
    _must_be_answered(messages, answer.encode())
    return messages


def _must_be_answered(messages: int, answer: bytes) -> None:
    if (answers := answer.count(b"\rMSA|AA|") + answer.count(b"\rMSA|AE|")) != messages:
        told = answer.replace(START, b"").decode("utf-8", "replace")
        raise PlayError(f"{answers} of {messages} messages of HL7 were answered by AA or AE: {told[:500]}")


async def by_fhir(stage: Stage, client: httpx.AsyncClient, parcel: Parcel) -> int:
    """One bundle, an outcome for each entry."""
    url = f"{stage.urls['intake']}/fhir?feed={parcel.feed}"
    answer = json.loads(await post(client, url, parcel.body, "application/fhir+json"))
    return len(answer["entry"])


async def by_sheet(stage: Stage, client: httpx.AsyncClient, parcel: Parcel) -> int:
    """The office's workbook; the last line of the answer is its summary."""
    url = f"{stage.urls['intake']}/sheets?mapping=household-register&file={parcel.feed}.xlsx"
    before = await _received(stage, client, parcel.feed)
    *_, last = (await post(client, url, parcel.body, "application/octet-stream")).splitlines()
    summary = json.loads(last).get("summary")
    if not summary or summary["rows"] != summary["accepted"]:
        raise PlayError(f"{parcel.feed}: a sheet was not taken whole: {last[:500]}")
    return await _received(stage, client, parcel.feed) - before


async def by_topic(stage: Stage, client: httpx.AsyncClient, parcel: Parcel) -> int:
    """Onto the platform's topic; waits until intake has taken all of it."""
    lines = parcel.body.splitlines()
    expected = await _received(stage, client, parcel.feed) + len(lines)
    await stage.put(UPSTREAM_TOPIC, lines)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _received(stage, client, parcel.feed) < expected:  # noqa: ASYNC110 - the condition is intake's
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        late = f"not all of {len(lines)} records are taken after {PATIENCE_SECONDS:.0f} s"
        raise PlayError(f"{UPSTREAM_TOPIC}: {late}") from None
    return len(lines)


async def by_phone(stage: Stage, client: httpx.AsyncClient, parcel: Parcel) -> int:
    """What the worker tapped, under the worker's own token."""
    verdicts = await post_lines(client, stage.urls["intake"], parcel.body, _workers_headers(stage, parcel.sample))
    if set(verdicts) - {"accepted"}:
        raise PlayError(f"the worker's taps were not all accepted: {dict(verdicts)}")
    return verdicts.total()


def _workers_headers(stage: Stage, sample: Path) -> dict[str, str]:
    worker = json.loads((sample / "truth.json").read_text("utf-8"))["worker"]
    return stage.as_worker(worker["post_id"], worker["division_code"])


WAYS: Mapping[str, Way] = {
    ".mllp": by_mllp,
    ".hl7": by_hl7,
    ".fhir.json": by_fhir,
    ".register.xlsx": by_sheet,
    ".upstream.ndjson": by_topic,
    ".taps.ndjson": by_phone,
}


async def send(client: httpx.AsyncClient, intake: str, feeds: Sequence[Path]) -> Counter[str]:
    """Send files of NDJSON records in their order, many lines a request; gives the count of each verdict."""
    verdicts: Counter[str] = Counter()
    lines = [line for feed in feeds for line in feed.read_bytes().splitlines(keepends=True)]
    for at in range(0, len(lines), LINES_A_REQUEST):
        verdicts += await post_lines(client, intake, b"".join(lines[at : at + LINES_A_REQUEST]))
    return verdicts


async def post_lines(
    client: httpx.AsyncClient, intake: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Counter[str]:
    """The verdicts of one request. Raises PlayError."""
    answer = await post(client, f"{intake}/records", body, "application/x-ndjson", headers)
    told = [json.loads(line) for line in answer.splitlines()]
    if told and "error" in told[-1]:
        raise PlayError(f"{intake}: {told[-1]['error']}")
    return Counter(each["verdict"] for each in told)


async def post(
    client: httpx.AsyncClient, url: str, body: bytes, kind: str, headers: Mapping[str, str] | None = None
) -> str:
    """The answer's text. Raises PlayError; 422 is an answer: each message says in its own form what is wrong."""
    response = await client.post(url, content=body, headers={"content-type": kind, **(headers or {})})
    if response.status_code >= 400 and response.status_code != 422:
        raise PlayError(f"{url} answered {response.status_code}: {response.text[:500]}")
    return response.text


async def _received(stage: Stage, client: httpx.AsyncClient, feed: str) -> int:
    answer = await client.get(f"{stage.urls['intake']}/ledger", params={"feed": feed})
    return sum(row["received"] for row in answer.raise_for_status().json())
