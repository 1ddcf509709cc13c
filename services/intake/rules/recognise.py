"""Whether a record is new, known, a correction or a withdrawal; and what it takes back of what it said before."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from contracts.envelope import REGISTRY, Fact
from services.intake.problems import Problem, Refused
from services.intake.records import Record, Withdrawal
from services.intake.rules.facts import Saying


class Known(NamedTuple):
    """What is stored of a record: its latest revision, the hashes of that and of earlier contents, what it says."""

    revision: int
    content_hash: bytes
    earlier: Sequence[bytes]
    said: bytes


class Said(NamedTuple):
    """What a record said last: its statements, and whether it was an exercise."""

    sayings: Sequence[Saying]
    drill: bool


class Recognised(Enum):
    NEW = "new"
    DUPLICATE = "duplicate"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"


def recognise(record: Record | Withdrawal, content_hash: bytes, known: Known | None) -> Recognised:
    """Raises Refused for a revision that is not above the known one, and for the withdrawal of nothing."""
    if known is None:
        if isinstance(record, Withdrawal):
            raise Refused(Problem("source_id", "nothing_to_withdraw"))
        return Recognised.NEW
    if content_hash == known.content_hash or content_hash in known.earlier:
        return Recognised.DUPLICATE
    if record.revision <= known.revision:
        raise Refused(Problem("revision", "stale_revision", {"next": known.revision + 1}))
    return Recognised.WITHDRAWAL if isinstance(record, Withdrawal) else Recognised.CORRECTION


def withdrawn_by(now_said: Sequence[Saying], said: Said, revision: int) -> list[Saying]:
    """The statements made before and no longer, restated as withdrawn under the record's new revision."""
    kept = {saying.fact.statement_id for saying in now_said}
    return [
        Saying(division, fact.model_copy(update={"revision": revision, "withdrawn": True}))
        for division, fact in said.sayings
        if fact.statement_id not in kept
    ]


def pack(sayings: Sequence[Saying], drill: bool) -> bytes:
    """What a record says, in a third of its JSON's size (a household of three: 200-250 bytes)."""
    facts: list[tuple[str, str, Fact]] = [(division, fact.type, fact) for division, fact in sayings]
    return zlib.compress(to_json([drill, *facts], exclude_none=True), level=1)


def unpack(said: bytes) -> Said:
    """The inverse of `pack`; revisions stay those they were said under."""
    drill, *facts = from_json(zlib.decompress(said))
    return Said([_saying(*fact) for fact in facts], drill)


def _saying(division: str, type_: str, content: dict[str, Any]) -> Saying:
    return Saying(division, REGISTRY.facts[type_].model_validate_json(to_json(content)))
