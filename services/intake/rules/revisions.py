"""Which of two revisions of a record is the later one, in each of the ways in which senders tell it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from services.intake.fields import Instant, Number, Version, value_or_none
from services.intake.records import Record, Withdrawal

_NUMBER: TypeAdapter[int] = TypeAdapter(Number)
_VERSION: TypeAdapter[int] = TypeAdapter(Version)
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class Revision(NamedTuple):
    """number: as its sender counts; the door's own where the sender tells one of the others.

    revised_at, version: of senders whose revisions may come in any order, when it was made, or which version it is.
    """

    number: int = 1
    revised_at: datetime | None = None
    version: int | None = None

    @property
    def in_any_order(self) -> bool:
        return self.revised_at is not None or self.version is not None

    def against(self, other: Revision) -> int | None:
        """Above 0: later than the other; 0: the same; below 0: earlier. None: of the other this is not told."""
        mine: Any = self.number
        its: Any = other.number
        if self.revised_at is not None:
            mine, its = self.revised_at, other.revised_at
        elif self.version is not None:
            mine, its = self.version, other.version
        return None if its is None else (mine > its) - (mine < its)


FIRST = Revision()
"""Also of what tells none."""


def revision_of(record: Record | Withdrawal) -> Revision:
    return Revision(record.revision, record.revised_at, record.version)


def revision_in(content: Mapping[str, Any]) -> Revision:
    """Of a record that cannot be read, as far as it can be made out; without any it would be the first."""
    number = value_or_none(_NUMBER, content.get("revision"))
    revised_at = value_or_none(_INSTANT, content.get("revised_at"))
    return Revision(number or 1, revised_at, value_or_none(_VERSION, content.get("version")))
