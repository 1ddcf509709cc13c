"""The answer to one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.envelope import Event
from services.intake.problems import Language, Problem
from services.intake.rules.revisions import FIRST, Revision

ACCEPTED, DUPLICATE, REJECTED = "accepted", "duplicate", "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """word: accepted, duplicate or rejected. record_id: the correlation of the events that the record causes.

    found_by: the keyed hash of the record; None where feed or source_id cannot be read. at: which revision it is.
    """

    feed: str
    source_id: str | None
    found_by: bytes | None
    word: str
    record_id: str | None = None
    events: tuple[Event[Any], ...] = ()
    problems: tuple[Problem, ...] = ()
    doubts: Sequence[Problem] = ()
    at: Revision = FIRST

    def told(self, language: Language) -> dict[str, Any]:
        """As the sender gets it; event_ids when accepted, duplicate_of when known already, errors when rejected.

        please_check: what cannot well be, though it was taken; the worker corrects it or says that it is so.
        duplicate_of: null where the known record was erased.
        """
        answer: dict[str, Any] = {"feed": self.feed, "source_id": self.source_id, "verdict": self.word}
        if self.word == ACCEPTED:
            answer["event_ids"] = [event.id for event in self.events]
        elif self.word == DUPLICATE:
            answer["duplicate_of"] = self.record_id
        else:
            answer["errors"] = [problem.told(language) for problem in self.problems]
        if self.doubts:
            answer["please_check"] = [doubt.told(language) for doubt in self.doubts]
        return answer
