"""Screenings, which are nine tenths of what rollup hears, read without the models of `contracts`.

Takes what `parse` takes, or less, and reads the same in it: whatever is not the plain form goes to `parse`, which
also words the error. Held against `parse` and `contracts.indicators` by tests/rules/test_rollup_screenings.py.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, final

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder
from pydantic import AwareDatetime, TypeAdapter

from contracts.envelope import Event, parse
from contracts.events.canvassing import FEVER_LINE_CELSIUS, CaseScreened
from contracts.events.people import PersonsMerged
from contracts.policy.days import day_of
from services.rollup.rules import counting
from services.rollup.rules.counting import Key, Row, Said
from services.rollup.rules.plain import First, Shared, Told, first_of

_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_Symptom = Literal["fever", "cough", "fatigue", "sore_throat", "loss_of_smell", "diarrhoea"]
_MARK = f'"type":"{CaseScreened.type}"'.encode()
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class _Fact(Struct, forbid_unknown_fields=True, gc=False):
    statement_id: _Id
    person_id: _Id
    dwelling_id: _Id
    round_id: _Id
    screened_at: str
    revision: Annotated[int, Meta(ge=1)] = 1
    withdrawn: bool = False
    temperature_celsius: Annotated[float, Meta(ge=30, le=45)] | None = None
    symptoms: list[_Symptom] = []


@final
class Screened(Struct, forbid_unknown_fields=True, gc=False):
    """An `Event[CaseScreened]` whose instants are still text; only what `parse_quickly` gives is sound."""

    id: _Id
    type: Literal["case-screened"]
    source: str
    time: str
    subject: _Id
    division: Annotated[str, Meta(min_length=2, max_length=24)]
    correlation: _Id
    data: _Fact
    specversion: Literal["1.0"] = "1.0"
    causation: _Id | None = None
    drill: bool = False


_decode = Decoder(Screened).decode


@lru_cache(maxsize=65_536)
def _instant(text: str) -> tuple[datetime, date]:
    """The instant in UTC and its Shanghai day, as the models read it; a household's members share theirs."""
    at = _INSTANT.validate_python(text)
    return at.astimezone(UTC), day_of(at)


@lru_cache(maxsize=65_536)
def _shared(division: str, drill: bool, at: str, time: str) -> Shared:
    """What the members of a household have in common."""
    happened, day = _instant(at)
    return Shared("persons-screened", drill, division, day, happened, _instant(time)[0])


def parse_quickly(record: bytes) -> Event[Any] | Screened:
    """The event in a record's bytes. Raises what `parse` raises."""
    if _MARK in record:
        try:
            event = _decode(record)
            _instant(event.time)
            _instant(event.data.screened_at)
        except (MsgspecError, ValueError, OverflowError):
            return parse(record)
        return event
    return parse(record)


def read(event: Event[Any] | Screened) -> Told | Event[PersonsMerged] | None:
    """The event as rollup reads it; None when no indicator counts its fact. A merge of ids stays as it is."""
    if type(event) is not Screened:
        if type(event.data) is PersonsMerged:
            return event
        said = counting.read(event)
        return said and first_of(said)
    fact = event.data
    statement = "case-screened " + fact.statement_id
    if fact.withdrawn:
        return Said(statement, fact.revision, True, False, _instant(event.time)[0], {})
    subject, celsius = f"{fact.person_id}/{fact.round_id}", fact.temperature_celsius
    feverish = (celsius is not None and celsius >= FEVER_LINE_CELSIUS) or "fever" in fact.symptoms
    if fact.revision == 1 and not feverish:
        return First(subject, statement, _shared(event.division, event.drill, fact.screened_at, event.time))
    at, day = _instant(fact.screened_at)
    row = Row(at, statement, day, event.division)
    counts_for = ("persons-screened", "feverish") if feverish else ("persons-screened",)
    rows = {Key(subject, indicator, event.drill): row for indicator in counts_for}
    return Said(statement, fact.revision, False, False, _instant(event.time)[0], rows)
