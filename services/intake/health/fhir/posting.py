"""The forms in which FHIR comes: POST /fhir, and the rest-hooks of another server's subscriptions."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic_core import from_json, to_json

from services.intake.door import Door
from services.intake.health.fhir.answers import MEDIA_TYPE, Outcome, refusal_of, response_of
from services.intake.health.fhir.taking import Taken, take_fhir
from services.intake.health.sources import Sources
from services.intake.posting import bounded, whole
from services.intake.problems import Problem, Refused, language_of
from services.intake.sender import Sender

_JSON = ("", "application/fhir+json", "application/json", "text/json")


async def post_fhir(
    door: Door, sources: Sources, request: Request, sender: Sender, address: tuple[str, str | None] | None = None
) -> Response:
    """address: the type, and the id, that the request's path names; the body must be of the same."""
    asked = request.headers.get("accept-language")
    source = sources.of_key(sender) or sources.of_feed(request.query_params.get("feed"))
    language = source.language if source and not asked else language_of(asked or "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        return _single(refusal_of([Problem("", "not_fhir")], language, "415 Unsupported Media Type"))
    if source is None:
        return _single(refusal_of([Problem("", "feed_needed")], language, "400 Bad Request"))
    with door.room.body(sender), door.room.holding() as hold:
        body = await whole(bounded(request), hold)
        if address is not None and not _names(body, *address):
            return _single(refusal_of([Problem("", "other_resource")], language, "400 Bad Request"))
        try:
            taken = await take_fhir(door, body, source, sender, language)
        except Refused as refused:
            return _single(refusal_of(refused.problems, language, "400 Bad Request"))
        finally:
            door.room.count(sender, 1)
        door.room.count(sender, len(taken.entries) - 1)
    return _answer(taken)


def _answer(taken: Taken) -> Response:
    if not taken.kind:
        return _single(taken.outcomes[0])
    failed = [each for each in taken.outcomes if each.status[0] == "4"]
    # A batch is answered entry by entry; a sender of other bundles sees by the status that something is to be mended.
    status = 200 if taken.kind == "batch" or not failed else 422
    return _json(response_of(taken.kind, taken.entries, taken.outcomes), status)


def _single(outcome: Outcome) -> Response:
    return _json(outcome.outcome, int(outcome.status[:3]))


def _json(content: object, status: int) -> Response:
    return Response(to_json(content), status, media_type=MEDIA_TYPE)


def _names(body: bytes, kind: str, resource_id: str | None) -> bool:
    """Whether the body is what the address says; what is no JSON is answered as such."""
    try:
        content = from_json(body)
    except ValueError:
        return True
    if not isinstance(content, dict) or content.get("resourceType") != kind:
        return False
    return resource_id is None or content.get("id") == resource_id
