"""From the bytes of one line to a record, or to the problems that tell the sender what to mend. Never an exception."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from services.intake.fields import Feed, Reference, value_or_none
from services.intake.problems import Problem, Refused, problems_of
from services.intake.records import KINDS, Record, Withdrawal, WithdrawalByTime, WithdrawalByVersion
from services.intake.rules.mentions import Mention, mentions_of, places_of, wrong_with
from services.intake.rules.revisions import FIRST, Revision, revision_in, revision_of
from services.intake.sender import Sender

LARGEST_LINE = 256 * 1024
ADDED_TO_REJECTS = "rejected_because"
EXPORTED_AS = "exported_as"
UNREADABLE = "unreadable"
"""The feed under which the ledger counts what names no feed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One line as it was read: `record`, or `problems`. feed and source_id as far as they could be made out.

    sender: what it may record. mentions, places: whom and which divisions it names. exported_as: the hash of its
    content when it was exported, if it was. at: which revision it is, as far as that could be made out.
    """

    line: bytes
    feed: str
    source_id: str | None
    record: Record | Withdrawal | None
    problems: tuple[Problem, ...]
    sender: Sender
    mentions: tuple[Mention, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    exported_as: str = ""
    at: Revision = FIRST


_READERS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(model) for kind, model in KINDS.items()}
_WITHDRAWALS: dict[str, TypeAdapter[Any]] = {
    "revised_at": TypeAdapter(WithdrawalByTime),
    "version": TypeAdapter(WithdrawalByVersion),
    "revision": TypeAdapter(Withdrawal),
}
"""By what tells which revision it is."""
_FEED: TypeAdapter[str] = TypeAdapter(Feed)
_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)
_ANY_KIND = re.compile(rb'"kind"\s*:\s*"([a-z-]{1,32})"')
_BY_THE_WAY = re.compile(rb'"withdrawn"\s*:\s*true|"(?:' + f"{ADDED_TO_REJECTS}|{EXPORTED_AS}".encode() + rb")")


def read(line: bytes, sender: Sender) -> Reading:
    """One record of at most LARGEST_LINE bytes."""
    try:
        record = _record(line)
        mentions, at = mentions_of(record), revision_of(record)
        if wrong := (*sender.wrong_with(record.feed, record.kind), *wrong_with(record, mentions)):
            return Reading(line, record.feed, record.source_id, None, wrong, sender, at=at)
        places, exported_as = places_of(record), _exported_as(line)
        return Reading(line, record.feed, record.source_id, record, (), sender, mentions, places, exported_as, at)
    except ValidationError as error:
        problems = problems_of(error.errors(include_url=False, include_input=False))
    except Refused as refused:
        problems = refused.problems
    feed, source_id, at = _told_by(line)
    return Reading(line, feed, source_id, None, problems, sender, at=at)


def _record(line: bytes) -> Record | Withdrawal:
    """The quick way for a line that names its kind once, else the one that takes the line to pieces first."""
    if len(line) > LARGEST_LINE:
        raise Refused(Problem("", "line_too_long", {"limit": LARGEST_LINE}))
    kinds = _ANY_KIND.findall(line)
    reader = _READERS.get(kinds[0].decode()) if len(kinds) == 1 else None
    if reader is None or _BY_THE_WAY.search(line):
        return _with_care(_object(line))
    record: Record = reader.validate_json(line)
    return record


def _with_care(content: dict[str, Any]) -> Record | Withdrawal:
    content.pop(ADDED_TO_REJECTS, None)
    content.pop(EXPORTED_AS, None)
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in _READERS:
        code = "missing" if kind is None else "unknown_kind"
        raise Refused(Problem("kind", code, {"expected": ", ".join(KINDS)}))
    told_by = next((name for name in _WITHDRAWALS if content.get(name) is not None), "revision")
    reader = _WITHDRAWALS[told_by] if content.get("withdrawn") is True else _READERS[kind]
    record: Record | Withdrawal = reader.validate_json(to_json(content))
    return record


def _exported_as(line: bytes) -> str:
    value = _object(line).get(EXPORTED_AS) if EXPORTED_AS.encode() in line else None
    return value if isinstance(value, str) else ""


def _object(line: bytes) -> dict[str, Any]:
    try:
        content = from_json(line, allow_inf_nan=False)
    except ValueError:
        raise Refused(Problem("", "not_json")) from None
    if not isinstance(content, dict):
        raise Refused(Problem("", "not_object"))
    return content


def _told_by(line: bytes) -> tuple[str, str | None, Revision]:
    """Feed, source_id and revision of a line that is no record, as far as they are what they should be."""
    try:
        content = _object(line[:LARGEST_LINE])
    except Refused:
        return UNREADABLE, None, FIRST
    feed, source_id = value_or_none(_FEED, content.get("feed")), value_or_none(_REFERENCE, content.get("source_id"))
    return feed or UNREADABLE, source_id, revision_in(content)
