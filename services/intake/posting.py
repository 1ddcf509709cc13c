"""POST /records: the forms in which records come, and the forms in which their verdicts go back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from fastapi import HTTPException, Request, Response
from pydantic_core import from_json, to_json

from services.chassis.access import Caller
from services.intake.door import BATCH, Door
from services.intake.lines import lines_of
from services.intake.problems import Language, language_of
from services.intake.verdicts import REJECTED, Verdict

LARGEST_BODY = 64 * 1024 * 1024
BATCH_BYTES = 4 * 1024 * 1024
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


async def post_records(door: Door, request: Request, caller: Caller) -> Response:
    """One object: its verdict, 200, or 409 or 422 when rejected. A list, or lines: 200 and a verdict each, in order."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    language = language_of(request.headers.get("accept-language", ""))
    pieces = _bounded(request)
    if kind in NDJSON:
        # All verdicts wait for the end of the body: a client that sends first and reads then would wait for ever.
        answers = [_told(verdict, language) + b"\n" async for verdict in _stream(door, lines_of(pieces), caller)]
        return Response(b"".join(answers), media_type=NDJSON[0])
    if kind != "application/json":
        raise HTTPException(415, f"send application/json or {NDJSON[0]}, not {kind[:40]!r}; CSV: `gridward send`")
    body = b"".join([piece async for piece in pieces])
    if body.lstrip()[:1] == b"[":
        return await _post_list(door, body, caller, language)
    verdict = await door.admit_one(body, caller.may_see)
    return Response(_told(verdict, language), _status(verdict), media_type="application/json")


async def _post_list(door: Door, body: bytes, caller: Caller, language: Language) -> Response:
    try:
        given = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise HTTPException(400, f"this list is no JSON, nothing of it was taken: {error}") from None
    lines = _each([to_json(record) for record in given])
    answers = [_told(verdict, language) async for verdict in _stream(door, lines, caller)]
    return Response(b"[" + b",\n".join(answers) + b"]", media_type="application/json")


async def _each(lines: Sequence[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def _stream(door: Door, lines: AsyncIterator[bytes], caller: Caller) -> AsyncIterator[Verdict]:
    """A transaction a batch, begun after the one before has committed: corrections follow what they correct."""
    batch, size = list[bytes](), 0
    async for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == BATCH or size > BATCH_BYTES:
            for verdict in await door.admit_batch(batch, caller.may_see):
                yield verdict
            batch, size = [], 0
    if batch:
        for verdict in await door.admit_batch(batch, caller.may_see):
            yield verdict


async def _bounded(request: Request) -> AsyncIterator[bytes]:
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
