"""Who sends a request: the feed of its API key, or the person of its token."""

from __future__ import annotations

from fastapi import Request

from services.chassis import own_work
from services.chassis.service import App
from services.intake import keys
from services.intake.sender import Sender


async def sender_of(app: App, request: Request) -> Sender:
    """Raises NotSignedIn, or NotAllowed for a token whose roles may send nothing."""
    key = request.headers.get(keys.HEADER)
    if key is None:
        return Sender.of(await app.caller(request))
    async with own_work.reading(app) as turn:
        return await keys.sender_of_key(turn.tx, key)
