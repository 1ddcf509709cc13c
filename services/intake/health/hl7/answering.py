"""One message of HL7 v2: read, taken, answered after the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.intake.door import Door
from services.intake.health.hl7.answers import ACCEPTED, REJECT, Error, acknowledge, code_of, errors_of
from services.intake.health.hl7.message import Message, read_message
from services.intake.health.hl7.reading import source_of, translate
from services.intake.health.items import Told
from services.intake.health.saying import short_id
from services.intake.health.sources import Source, Sources
from services.intake.health.taking import MESSAGES, guarded, refuse, take
from services.intake.problems import Language, Problem, Refused
from services.intake.sender import Sender

Admittance = Callable[[Source | None], Sender]
"""Who sends, once the source is known. Raises Refused."""


class Acknowledged(NamedTuple):
    """code: AA, AE or AR."""

    code: str
    body: bytes


async def answer(
    door: Door,
    body: bytes,
    sources: Sources,
    known: Source | None,
    admittance: Admittance,
    language: Language | None = None,
    encoding: str = "utf-8",
) -> Acknowledged:
    """known: the source by key; else MSH-3 and MSH-4 tell. What cannot be taken is kept, and answered with why."""
    message: Message | None = None
    source = known
    try:
        message = guarded(lambda: read_message(body, known.encoding if known else encoding))
        source = guarded(lambda: source_of(message, sources, known))
        sender = admittance(source)
        mends = source.feed, message_id(message)
        told = await take(door, guarded(lambda: translate(message, source)), sender, mends)
    except Refused as refused:
        return await _refused(door, body, message, source, admittance, refused, language)
    code, errors = code_of(told), errors_of(told)
    _count(source, "unused" if code == ACCEPTED and _nothing_of_use(told) else code)
    return Acknowledged(code, acknowledge(message, code, errors, await door.now(), language or source.language))


async def _refused(
    door: Door,
    body: bytes,
    message: Message | None,
    source: Source | None,
    admittance: Admittance,
    refused: Refused,
    language: Language | None,
) -> Acknowledged:
    try:
        sender = admittance(source)
    except Refused as not_allowed:
        refused, sender = not_allowed, Sender("nobody", ())
    await refuse(door, body, source, sender, refused, message_id(message) if message else None)
    _count(source, REJECT)
    errors = [Error(problem.field or "MSH^1", problem) for problem in refused.problems]
    words = language or (source.language if source else "zh")
    return Acknowledged(REJECT, acknowledge(message or body, REJECT, errors, await door.now(), words))


def message_id(message: Message) -> str:
    """The name of a message itself, where it could not be taken: by it the mended one is known."""
    return short_id(f"message/{message.header.get(4)}/{message.header.get(10)}".replace("\0", ""))


def come_back(body: bytes, source: Source | None) -> Acknowledged:
    """Nothing was taken, for reasons that lie here."""
    errors = [Error("MSH^1", Problem("", "come_back"))]
    return Acknowledged(REJECT, acknowledge(body, REJECT, errors, None, source.language if source else "zh"))


def _nothing_of_use(told: Told) -> bool:
    return not any(hasattr(each, "verdict") for each in told)


def _count(source: Source | None, answer: str) -> None:
    MESSAGES.labels(source.feed if source else "unknown", "hl7", answer).inc()
