"""POST /records: the forms in which records come, and the forms in which their verdicts go back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack

import structlog
from fastapi import HTTPException, Request, Response
from pydantic_core import from_json, to_json

from services.chassis.bounds import may_be
from services.chassis.database import DATABASE_ERRORS
from services.chassis.errors import GridwardError
from services.intake.answering import begun
from services.intake.door import BATCH, Door
from services.intake.lines import lines_of
from services.intake.problems import Language, language_of
from services.intake.sender import Sender
from services.intake.verdicts import REJECTED, Verdict

log = structlog.get_logger()

LARGEST_BODY = 64 * 1024 * 1024
BATCH_BYTES = 4 * 1024 * 1024
BROKEN_OFF = "broken off: send all of it again, what was taken is recognised 中断：请重新报送全部内容"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


async def post_records(door: Door, request: Request, sender: Sender) -> Response:
    """One object: its verdict, 200, or 409 or 422 when rejected. A list, or lines: 200 and a verdict each, in order.

    The verdicts of a list or of lines are told batch by batch. When a later batch could not be taken, the last of the
    answer is `{"error": …}` in place of the verdicts that are missing: sent again, what was taken is recognised.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    language = language_of(request.headers.get("accept-language", ""))
    pieces = bounded(request)
    with ExitStack() as room:
        if kind in NDJSON:
            room.enter_context(door.room.body(sender))
            answers = _answers(door, lines_of(pieces), sender, language)
            return await begun(_as_lines(answers), room, NDJSON[0])
        if kind != "application/json":
            raise HTTPException(415, f"send application/json or {NDJSON[0]}, not {kind[:40]!r}; CSV: `gridward send`")
        body = await whole(pieces, room.enter_context(door.room.holding()))
        if body.lstrip()[:1] == b"[":
            room.enter_context(door.room.body(sender))
            answers = _answers(door, _each(_listed(body)), sender, language)
            return await begun(_as_list(answers), room, "application/json")
        room.enter_context(door.room.single(sender))
        verdict = await door.admit_one(body, sender)
    door.room.count(sender, 1)
    return Response(_told(verdict, language), _status(verdict), media_type="application/json")


async def whole(pieces: AsyncIterator[bytes], hold: Callable[[int], None]) -> bytes:
    body = []
    async for piece in pieces:
        hold(len(piece))
        body.append(piece)
    return b"".join(body)


def _listed(body: bytes) -> list[bytes]:
    try:
        return [to_json(record) for record in from_json(body, allow_inf_nan=False)]
    except ValueError as error:
        raise HTTPException(400, f"this list is no JSON, nothing of it was taken: {error}") from None


async def _each(lines: Sequence[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def _answers(
    door: Door, lines: AsyncIterator[bytes], sender: Sender, language: Language
) -> AsyncIterator[list[bytes]]:
    """A transaction a batch, begun after the one before has committed: corrections follow what they correct."""
    told = False
    try:
        async for batch in _batches(lines):
            verdicts = await door.admit_batch(batch, sender)
            door.room.count(sender, len(batch))
            yield [_told(verdict, language) for verdict in verdicts]
            told = True
    except (HTTPException, GridwardError, *DATABASE_ERRORS) as error:
        if not told:
            raise
        log.warning("a body was broken off", error=type(error).__name__)
        yield [to_json({"error": error.detail if isinstance(error, HTTPException) else BROKEN_OFF})]


async def _as_lines(answers: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    async for answer in answers:
        yield b"".join([each + b"\n" for each in answer])


async def _as_list(answers: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    between = b"["
    async for answer in answers:
        yield between + b",\n".join(answer)
        between = b",\n"
    yield b"[]" if between == b"[" else b"]"


async def _batches(lines: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    batch, size = list[bytes](), 0
    async for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def bounded(request: Request) -> AsyncIterator[bytes]:
    """The body. Raises 413 as soon as it is too large; sent again, what was admitted before is a duplicate."""
    may_be(request, LARGEST_BODY)
    async for piece in request.stream():
        yield piece


def _told(verdict: Verdict, language: Language) -> bytes:
    return to_json(verdict.told(language))


def _status(verdict: Verdict) -> int:
    if verdict.word != REJECTED:
        return 200
    return 409 if any(problem.code == "stale_revision" for problem in verdict.problems) else 422
