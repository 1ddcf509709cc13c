"""A record of an upstream topic as the door takes it: what it holds is a canonical record, HL7 v2 or FHIR R4. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from services.intake.health.fhir.taking import Part, read_fhir, readings_of
from services.intake.health.hl7.message import messages_in, read_message
from services.intake.health.hl7.reading import translate
from services.intake.health.items import Translated
from services.intake.health.saying import short_id
from services.intake.health.sources import Source
from services.intake.health.taking import depends, guarded, refusal
from services.intake.health.upstream.events import CloudEvent, read_event
from services.intake.problems import Refused
from services.intake.reading import Reading, read

_HL7 = ("application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7", "text/hl7", "application/edi-hl7")


class Raw(NamedTuple):
    """A record of Kafka, as far as it is of use here."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Content(NamedTuple):
    """What a record says. ready: what the door takes as it is. said: what is yet to be compared with the vault."""

    ready: list[Reading]
    said: list[Translated]

    @property
    def looks_back(self) -> bool:
        """Whether what is kept of it hangs on what was recorded before."""
        return any(depends(each) for part in self.said for each in part)


def read_record(record: Raw, source: Source) -> Content:
    """Never an exception: what cannot be read is a rejected row with its reason."""
    try:
        event = guarded(lambda: read_event(record.value, record.headers))
    except Refused as refused:
        return Content([refusal(record.value or b"", source, source.sender, refused.problems)], [])
    if event.media_type in _HL7 or "hl7-v2" in event.schema.lower():
        return _of_hl7(event, source)
    if event.media_type.endswith("fhir+json") or b'"resourceType"' in event.data[:2_000]:
        return _of_fhir(event, source)
    return Content([_canonical(event, source)], [])


def _of_hl7(event: CloudEvent, source: Source) -> Content:
    content = Content([], [])
    for body in messages_in(event.data):
        try:
            message = guarded(lambda body=body: read_message(body, source.encoding))  # type: ignore[misc]
            content.said.append(guarded(lambda message=message: translate(message, source)))  # type: ignore[misc]
        except Refused as refused:
            content.ready.append(refusal(body, source, source.sender, refused.problems))
    return content


def _of_fhir(event: CloudEvent, source: Source) -> Content:
    try:
        _, parts = read_fhir(event.data, source)
    except Refused as refused:
        return Content([refusal(event.data, source, source.sender, refused.problems)], [])
    wrong: list[Part] = [part for part in parts if part[0].problems]
    ready = [reading for part in wrong for reading in readings_of(part, source, source.sender)]
    return Content(ready, [said for entry, said in parts if not entry.problems])


def _canonical(event: CloudEvent, source: Source) -> Reading:
    """The record takes the feed of its source, and the event's id where it has none of its own."""
    try:
        content: Any = from_json(event.data, allow_inf_nan=False)
    except ValueError:
        content = None
    if isinstance(content, dict):
        content = {"feed": source.feed, "source_id": short_id(f"{event.source}/{event.id}"), **content}
        return read(to_json(content), source.sender)
    return read(event.data, source.sender)
