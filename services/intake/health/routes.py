"""POST /hl7 and the routes of FHIR; which key or role each needs stands beside it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic_core import to_json

from contracts.policy.days import SHANGHAI
from services.chassis.service import App
from services.intake.door import door_of
from services.intake.health.fhir.answers import MEDIA_TYPE, capabilities
from services.intake.health.fhir.posting import post_fhir
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
        with _told_to_wait():
            return await post_hl7(door, sources, request, await sender_of(request))

    @router.post("/fhir")
    async def fhir(request: Request) -> Response:
        """The same: a Bundle or a resource of FHIR R4 in, an OperationOutcome for each entry out."""
        with _told_to_wait():
            return await post_fhir(door, sources, request, await sender_of(request))

    @router.get("/fhir/metadata")
    async def metadata() -> Response:
        """What is taken, as a CapabilityStatement."""
        now = (await door.now()).astimezone(SHANGHAI).isoformat(timespec="seconds")
        return Response(to_json(capabilities(now)), media_type=MEDIA_TYPE)

    @router.post("/fhir/{kind}")
    async def created(kind: str, request: Request) -> Response:
        """The same: a resource as a rest-hook sends it."""
        with _told_to_wait():
            return await post_fhir(door, sources, request, await sender_of(request), (kind, None))

    @router.put("/fhir/{kind}/{resource_id}")
    async def updated(kind: str, resource_id: str, request: Request) -> Response:
        """The same: a resource under its id; a later `meta.lastUpdated`, or a higher count, corrects."""
        with _told_to_wait():
            return await post_fhir(door, sources, request, await sender_of(request), (kind, resource_id))


@contextmanager
def _told_to_wait() -> Iterator[None]:
    try:
        yield
    except ComeBackLater as later:
        raise HTTPException(429, str(later), {"retry-after": str(later.seconds)}) from None
