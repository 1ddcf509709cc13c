"""Who sends: by a token with the role, for any feed of a division; or by an API key, for one feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from contracts.divisions import lies_in
from services.chassis.access import SENDER, WORKER, Caller
from services.intake.leads import STEPS
from services.intake.problems import Problem

WORKERS_KINDS = frozenset(
    {"household-visit", "canvass-attempt", "household-register", "presence", "visit", "tube", "need", *STEPS},
)
"""What a worker with a token of his or her own may enter."""


class Sender(NamedTuple):
    """name: whose rate is counted. divisions: those it may record in, and below. The others: None if unbounded.

    post_id: of a worker who enters what he or she did; empty for everybody else.
    """

    name: str
    divisions: tuple[str, ...]
    feed: str | None = None
    kinds: frozenset[str] | None = None
    records_a_minute: int | None = None
    post_id: str = ""

    @classmethod
    def of(cls, caller: Caller) -> Sender:
        """A person or a program with a token; a worker's is for what is done in the grid. Raises NotAllowed."""
        if WORKER in caller.roles and SENDER not in caller.roles:
            return cls(caller.name, caller.divisions, None, WORKERS_KINDS, None, caller.name)
        caller.require(SENDER)
        return cls(caller.name, caller.divisions)

    def may_record(self, division: str) -> bool:
        """Whether a record made in this division is the sender's to make."""
        return lies_in(division, self.divisions)

    def wrong_with(self, feed: str, kind: str) -> Iterator[Problem]:
        """A feed or a kind of record that the key is not for."""
        if self.feed is not None and feed != self.feed:
            yield Problem("feed", "not_your_feed", {"expected": self.feed})
        if self.kinds is not None and kind not in self.kinds:
            yield Problem("kind", "not_your_kind", {"expected": ", ".join(sorted(self.kinds))})
