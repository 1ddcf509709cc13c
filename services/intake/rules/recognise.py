"""Whether a record is new, known, a correction or a withdrawal; and what it takes back of what it said before."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from contracts.envelope import REGISTRY, Fact
from services.intake.problems import Problem, Refused
from services.intake.records import Record, Withdrawal
from services.intake.rules.revisions import Revision, revision_of
from services.intake.rules.statements import Saying


class Known(NamedTuple):
    """What is stored of a record: its latest revision, the hashes of that and of earlier contents, what it says.

    content_hash None: somebody whom it named was forgotten, and with him or her what it said.
    revised_at, version: as in `Revision`, of the latest that its sender told in this way.
    """

    revision: int
    content_hash: bytes | None
    earlier: Sequence[bytes]
    said: bytes
    record_id: str | None = None
    revised_at: datetime | None = None
    version: int | None = None

    @property
    def at(self) -> Revision:
        return Revision(self.revision, self.revised_at, self.version)


class Said(NamedTuple):
    """What a record said last: its statements, whether it was an exercise, and where it was recorded ("": nowhere).

    kind: of a record that says nothing; the others' is told by what they say.
    """

    sayings: Sequence[Saying]
    drill: bool
    division: str = ""
    kind: str = ""


class Recognised(Enum):
    NEW = "new"
    DUPLICATE = "duplicate"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"


def content_of(record: Record | Withdrawal) -> bytes:
    """What a record says, by which it is known again: the fields that it gives, not when it was revised."""
    return to_json(record, exclude={"revised_at", "version"}, exclude_none=True)


def recognise(record: Record | Withdrawal, content_hash: bytes, known: Known | None) -> Recognised:
    """Raises Refused for a revision that is not above the known one, and for what nothing is left of to take back."""
    if known is not None and known.content_hash is None:
        return _of_forgotten(record, known)
    if revision_of(record).in_any_order:
        return _in_any_order(record, content_hash, known)
    if known is None:
        if isinstance(record, Withdrawal):
            raise Refused(Problem("source_id", "nothing_to_withdraw"))
        return Recognised.NEW
    if content_hash == known.content_hash or content_hash in known.earlier:
        return Recognised.DUPLICATE
    if record.revision <= known.revision:
        raise Refused(Problem("revision", "stale_revision", {"next": known.revision + 1}))
    return Recognised.WITHDRAWAL if isinstance(record, Withdrawal) else Recognised.CORRECTION


def _of_forgotten(record: Record | Withdrawal, known: Known) -> Recognised:
    """Nothing is left to correct: a later revision is refused, what was known is still known."""
    if _is_later(record, known):
        raise Refused(Problem("source_id", "forgotten"))
    return Recognised.DUPLICATE


def _is_later(record: Record | Withdrawal, known: Known) -> bool:
    """What is not told in one way, one by its time and one by its version, is taken in the order in which it came."""
    against = revision_of(record).against(known.at)
    return against is None or against > 0


def _in_any_order(record: Record | Withdrawal, content_hash: bytes, known: Known | None) -> Recognised:
    """The latest revision stands, in whichever order they come; of two that are one the one that came last."""
    if known is not None:
        against = revision_of(record).against(known.at)
        late = against is not None and against < 0
        again = against == 0 and content_hash in known.earlier
        if late or again or content_hash == known.content_hash:
            return Recognised.DUPLICATE
    if isinstance(record, Withdrawal):
        return Recognised.WITHDRAWAL
    return Recognised.NEW if known is None else Recognised.CORRECTION


def numbered(record: Record | Withdrawal, known: Known | None) -> Record | Withdrawal:
    """The record with its revision: the next one, where those of its sender may come in any order."""
    if not revision_of(record).in_any_order:
        return record
    return record.model_copy(update={"revision": known.revision + 1 if known else 1})


def confirms_later(record: Record | Withdrawal, known: Known) -> bool:
    """Whether a duplicate says that what is known still stood at a later revision than was known."""
    return revision_of(record).in_any_order and _is_later(record, known)


def withdrawn_by(now_said: Sequence[Saying], said: Said, revision: int) -> list[Saying]:
    """The statements made before and no longer, restated as withdrawn under the record's new revision."""
    kept = {saying.fact.statement_id for saying in now_said}
    return [
        Saying(division, fact.model_copy(update={"revision": revision, "withdrawn": True}))
        for division, fact in said.sayings
        if fact.statement_id not in kept
    ]


def pack(sayings: Sequence[Saying], drill: bool, division: str, kind: str) -> bytes:
    """What a record says, in a third of its JSON's size (a household of three: 200-250 bytes).

    division, kind: kept where nothing is said that would tell them.
    """
    facts: list[tuple[str, str, Fact] | str] = [(where, fact.type, fact) for where, fact in sayings]
    return zlib.compress(to_json([drill, *(facts or [division, kind])], exclude_none=True), level=1)


def unpack(said: bytes) -> Said:
    """The inverse of `pack`; revisions stay those they were said under."""
    drill, *facts = from_json(zlib.decompress(said))
    if facts and isinstance(facts[0], str):
        return Said([], drill, *facts)
    sayings = [_saying(*fact) for fact in facts]
    return Said(sayings, drill, sayings[0].division if sayings else "")


def _saying(division: str, type_: str, content: dict[str, Any]) -> Saying:
    return Saying(division, REGISTRY.facts[type_].model_validate_json(to_json(content)))
