"""POST /records: the forms in which records come, and the forms in which their verdicts go back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from fastapi import HTTPException, Request, Response
from pydantic_core import from_json, to_json

from services.intake.door import BATCH, Door
from services.intake.lines import lines_of
from services.intake.problems import Language, language_of
from services.intake.sender import Sender
from services.intake.verdicts import REJECTED, Verdict

LARGEST_BODY = 64 * 1024 * 1024
BATCH_BYTES = 4 * 1024 * 1024
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


async def post_records(door: Door, request: Request, sender: Sender) -> Response:
    """One object: its verdict, 200, or 409 or 422 when rejected. A list, or lines: 200 and a verdict each, in order."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    language = language_of(request.headers.get("accept-language", ""))
    pieces = bounded(request)
    if kind in NDJSON:
        # All verdicts wait for the end of the body: a client that sends first and reads then would wait for ever.
        with door.room.body(sender):
            answers = [_told(verdict, language) + b"\n" async for verdict in _stream(door, lines_of(pieces), sender)]
        return Response(b"".join(answers), media_type=NDJSON[0])
    if kind != "application/json":
        raise HTTPException(415, f"send application/json or {NDJSON[0]}, not {kind[:40]!r}; CSV: `gridward send`")
    with door.room.holding() as hold:
        body = await whole(pieces, hold)
        if body.lstrip()[:1] == b"[":
            with door.room.body(sender):
                return await _post_list(door, body, sender, language)
        with door.room.single(sender):
            verdict = await door.admit_one(body, sender)
    door.room.count(sender, 1)
    return Response(_told(verdict, language), _status(verdict), media_type="application/json")


async def whole(pieces: AsyncIterator[bytes], hold: Callable[[int], None]) -> bytes:
    body = []
    async for piece in pieces:
        hold(len(piece))
        body.append(piece)
    return b"".join(body)


async def _post_list(door: Door, body: bytes, sender: Sender, language: Language) -> Response:
    try:
        given = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise HTTPException(400, f"this list is no JSON, nothing of it was taken: {error}") from None
    lines = _each([to_json(record) for record in given])
    answers = [_told(verdict, language) async for verdict in _stream(door, lines, sender)]
    return Response(b"[" + b",\n".join(answers) + b"]", media_type="application/json")


async def _each(lines: Sequence[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def _stream(door: Door, lines: AsyncIterator[bytes], sender: Sender) -> AsyncIterator[Verdict]:
    """A transaction a batch, begun after the one before has committed: corrections follow what they correct."""
    async for batch in _batches(lines):
        verdicts = await door.admit_batch(batch, sender)
        door.room.count(sender, len(batch))
        for verdict in verdicts:
            yield verdict


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
    too_large = HTTPException(413, f"more than {LARGEST_BODY:,} bytes in one request: send it in several")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        raise too_large
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST_BODY:
            raise too_large
        yield piece


def _told(verdict: Verdict, language: Language) -> bytes:
    return to_json(verdict.told(language))


def _status(verdict: Verdict) -> int:
    if verdict.word != REJECTED:
        return 200
    return 409 if any(problem.code == "stale_revision" for problem in verdict.problems) else 422
