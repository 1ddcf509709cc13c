"""The fields of canonical records: strict JSON types, times with a zone, and no resident named where others read."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from contracts.policy.days import SHANGHAI
from services.intake.rules.documents import plain_id_number
from services.intake.rules.numbers import has_number, names_a_resident, wrong_with_number

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEARS = range(1900, 2200)
# No control characters, no line separators: PostgreSQL has no place for NUL, and verdicts are one line each.
_PRINTED = "^[^\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]*$"
T = TypeVar("T")


class Closed(BaseModel):
    """Immutable, strict, and no field that is not declared."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


def problem(code: str) -> PydanticCustomError:
    """An error of ours; its texts stand in `texts.toml`."""
    return PydanticCustomError(code, "see texts.toml")


def read_instant(value: Any) -> datetime:
    """An instant in Shanghai's offset, whatever offset it came with: one instant, one content."""
    if not isinstance(value, str) or not (found := _INSTANT.fullmatch(value)):
        raise problem("instant_form")
    if found.group(3) is None:
        raise problem("instant_zone")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise problem("no_such_day") from None
    if instant.year not in _YEARS:
        raise problem("year_far_off")
    return instant.astimezone(SHANGHAI)


def read_day(value: Any) -> date:
    """A calendar day."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise problem("day_form")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise problem("no_such_day") from None
    if day.year not in _YEARS:
        raise problem("year_far_off")
    return day


def _id_number(value: str) -> str:
    number = plain_id_number(value)
    if wrong := wrong_with_number(number):
        raise problem(wrong)
    return number


def _no_number(value: str) -> str:
    if has_number(value):
        raise problem("number_in_text")
    return value


def _no_resident(value: str) -> str:
    if names_a_resident(value):
        raise problem("number_in_text")
    return value


Instant = Annotated[
    datetime,
    PlainValidator(read_instant),
    PlainSerializer(datetime.isoformat),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[
    date,
    PlainValidator(read_day),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Number = Annotated[int, Field(ge=1, le=2_000_000_000)]
"""Of a revision."""
Version = Annotated[int, Field(ge=1, lt=10**15)]
"""A sender's own count; some count in milliseconds."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=_PRINTED)]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=_PRINTED)]
Identifier = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=_PRINTED),
    AfterValidator(_no_number),
]
Plain = Annotated[Text, AfterValidator(_no_resident)]
Feed = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$"), AfterValidator(_no_number)]
IdNumber = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_id_number)]


def value_or_none(reader: TypeAdapter[T], value: object) -> T | None:
    """A field of what cannot be read as a whole, if it is what it should be."""
    try:
        return reader.validate_python(value, strict=True)
    except ValidationError:
        return None
