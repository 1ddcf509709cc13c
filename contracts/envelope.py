"""What every event has in common: CloudEvents 1.0 attributes around one fact.

An event says that a fact was stated. A statement may be stated again with a higher `revision` (a correction) or with
`withdrawn` (it was not so); consumers keep the highest revision they know, so order and repetition do not matter.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from pydantic_core import to_json

Instant = AwareDatetime
DivisionCode = Annotated[str, Field(min_length=2, max_length=24)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class Fact(BaseModel):
    """One statement about the world. Subclasses add fields; `type` is the wire name in kebab-case.

    statement_id is the same for every revision of one statement; revision counts from 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: ClassVar[str]
    key_field: ClassVar[str] = "person_id"

    statement_id: Id
    revision: int = Field(default=1, ge=1)
    withdrawn: bool = False


F_co = TypeVar("F_co", bound=Fact, covariant=True)
F = TypeVar("F", bound=Fact)


class Event(BaseModel, Generic[F_co]):
    """A fact on its way. `time` is when intake received what caused it, never when it happened (that is in the fact).

    subject: the key that orders it (a person, a tube …). division: where it is recorded. correlation: the first event
    of the chain; causation: the one that made this one. drill: an exercise, with its own colour and figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"] = "1.0"
    id: Id
    type: str
    source: str
    time: Instant
    subject: Id
    division: DivisionCode
    correlation: Id
    causation: Id | None = None
    drill: bool = False
    data: F_co

    def to_wire(self) -> bytes:
        """The JSON bytes of the record (CloudEvents, structured mode)."""
        return to_json(self, exclude_none=True)


class UnknownEvent(ValueError):
    """A record names a type that this version does not know: update this service, then resend the dead letter."""


class Registry:
    """Every fact by its wire name: a closed set, filled by `register` where each fact is declared."""

    def __init__(self) -> None:
        self.facts: dict[str, type[Fact]] = {}

    def register(self, fact: type[Fact]) -> type[Fact]:
        """Declare a fact; two of one name are a mistake in the code."""
        if fact.type in self.facts:
            raise TypeError(f"two facts are called {fact.type!r}: rename one in contracts/events")
        self.facts[fact.type] = fact
        return fact


REGISTRY = Registry()
fact = REGISTRY.register


def event_id(type_: str, subject: str, cause: str, content: bytes) -> str:
    """The same id whenever the same thing is said again: what a restored service says twice is known as one."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (type_.encode(), subject.encode(), cause.encode(), content):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.hexdigest()


def say(
    data: F,
    *,
    source: str,
    time: datetime,
    division: str,
    cause: Event[Any] | str | None = None,
    correlation: str | None = None,
    drill: bool = False,
) -> Event[F]:
    """Wrap a fact in its envelope. cause: the event (or the id of the record) that made it."""
    subject = str(getattr(data, data.key_field))
    causation = cause.id if isinstance(cause, Event) else cause
    chain = correlation or (cause.correlation if isinstance(cause, Event) else causation)
    content = to_json(data)
    identity = event_id(data.type, subject, f"{data.statement_id}.{data.revision}", content)
    return Event(
        id=identity,
        type=data.type,
        source=source,
        time=time,
        subject=subject,
        division=division,
        correlation=chain or identity,
        causation=causation,
        drill=drill or (isinstance(cause, Event) and cause.drill),
        data=data,
    )


def parse(record: bytes) -> Event[Fact]:
    """The event in a record's bytes. Raises ValueError (of which UnknownEvent and ValidationError are kinds)."""
    named = _TYPE.search(record)
    if named is None:
        raise ValueError("not an event: a JSON object with a text field `type` was expected")
    event = _reader(named.group(1).decode()).validate_json(record)
    if event.type != event.data.type:
        raise ValueError(f"the envelope says {event.type!r} where the fact is {event.data.type!r}")
    return event


_TYPE = re.compile(rb'"type"\s*:\s*"([a-z0-9-]{1,64})"')


@cache
def _reader(type_: str) -> TypeAdapter[Event[Fact]]:
    kind = REGISTRY.facts.get(type_)
    if kind is None:
        raise UnknownEvent(f"the type {type_!r} is not known to this version: update this service, then resend")
    return TypeAdapter(Event[kind])  # type: ignore[valid-type]


__all__ = ["REGISTRY", "DivisionCode", "Event", "Fact", "Id", "Instant", "UnknownEvent", "fact", "parse", "say"]
