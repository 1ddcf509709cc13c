"""POST /hl7: one message or a batch of them, as bytes, or as the lines in which rejected ones come back."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request, Response
from pydantic_core import from_json

from services.intake.door import Door
from services.intake.health.hl7.answering import answer
from services.intake.health.hl7.answers import ACCEPTED, ERROR
from services.intake.health.hl7.message import messages_in
from services.intake.health.sources import Sources
from services.intake.posting import NDJSON, bounded, whole
from services.intake.problems import language_of
from services.intake.sender import Sender

MEDIA_TYPE = "application/hl7-v2"
_STATUS = {ACCEPTED: 200, ERROR: 422}


async def post_hl7(door: Door, sources: Sources, request: Request, sender: Sender) -> Response:
    """An ACK for each message, in order: 200, or for a single one 422 when it is AE and 400 when it is AR."""
    known = sources.of_key(sender) or sources.of_feed(request.query_params.get("feed"))
    asked = request.headers.get("accept-language")
    acknowledged = []
    with door.room.body(sender), door.room.holding() as hold:
        body = await whole(bounded(request), hold)
        for message in _messages(body, request.headers.get("content-type", "")):
            # A batch is answered message by message, each after its own commit: corrections follow what they correct.
            said = await answer(
                door, message, sources, known, lambda source: sender, language_of(asked) if asked else None
            )
            door.room.count(sender, 1)
            acknowledged.append(said)
    status = _STATUS.get(acknowledged[0].code, 400) if len(acknowledged) == 1 else 200
    return Response(b"".join(each.body for each in acknowledged), status, media_type=MEDIA_TYPE)


def _messages(body: bytes, content_type: str) -> Iterator[bytes]:
    if content_type.partition(";")[0].strip().lower() not in NDJSON:
        yield from messages_in(body)
        return
    for line in filter(None, body.split(b"\n")):
        try:
            content = from_json(line)
        except ValueError:
            content = None
        text = content.get("unreadable") if isinstance(content, dict) else None
        yield from messages_in(text.encode() if isinstance(text, str) else line)
