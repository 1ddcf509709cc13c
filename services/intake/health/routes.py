"""POST /hl7 and the routes of FHIR; which key or role each needs stands beside it."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, HTTPException, Request, Response

from services.chassis.service import App
from services.intake.door import door_of
from services.intake.health.hl7.posting import post_hl7
from services.intake.health.sources import load_sources
from services.intake.room import ComeBackLater
from services.intake.sender import Sender

SenderOf = Callable[[Request], Awaitable[Sender]]


def add_health(router: APIRouter, app: App, sender_of: SenderOf) -> None:
    """The routes of the health system's feeds."""
    door, sources = door_of(app), load_sources(app.settings.sources)

    @router.post("/hl7")
    async def hl7(request: Request) -> Response:
        """An API key, or a token with the role sender: messages of HL7 v2 in, an ACK each out."""
        try:
            return await post_hl7(door, sources, request, await sender_of(request))
        except ComeBackLater as later:
            raise HTTPException(429, str(later), {"retry-after": str(later.seconds)}) from None
