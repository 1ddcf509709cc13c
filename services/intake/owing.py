"""What tracing and alerts say is due, kept for the workers' lists: intake hears it and answers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

from contracts.envelope import Event, Fact
from contracts.events.deadlines import DeadlineJudged, Verdict
from contracts.events.quarantine import CareScheduled, ReleaseDue, SamplingDue
from services.chassis.database import Tx
from services.intake.rules.worklist import CARE, LEAD, RELEASE, SAMPLING, TRANSFER, Owed
from services.intake.store import worklist

_STILL = frozenset({Verdict.RUNNING, Verdict.MISSED, Verdict.UNLIMITED})
_TRANSFER = "transfer.contact.to_quarantine"
"""With those of leads the clocks on the command line, whose first rung is the grid (Notice 003 §2)."""


async def on_batch(events: Sequence[Event[Fact]], tx: Tx) -> list[Event[Any]]:
    """Keep each statement at its highest revision; those of a batch in their order."""
    latest: dict[str, worklist.Kept] = {}
    for event in events:
        fact = event.data
        if isinstance(fact, CareScheduled | SamplingDue | ReleaseDue) or _is_ours(fact):
            kept = _kept(event)
            before = latest.get(fact.statement_id)
            if before is None or before.revision < kept.revision:
                latest[fact.statement_id] = kept
    await worklist.keep_owed(tx, latest.values())
    return []


def _is_ours(fact: Fact) -> bool:
    return isinstance(fact, DeadlineJudged) and (fact.deadline == _TRANSFER or fact.about_id is not None)


def _kept(event: Event[Any]) -> worklist.Kept:
    fact = event.data
    return worklist.Kept(_owed(event), fact.revision, not fact.withdrawn and _stands(fact))


def _stands(fact: Fact) -> bool:
    return not isinstance(fact, DeadlineJudged) or (fact.verdict in _STILL and fact.stopped_at is None)


def _owed(event: Event[Any]) -> Owed:
    fact: CareScheduled | SamplingDue | ReleaseDue | DeadlineJudged = event.data

    def owed(kind: str, since_at: datetime, due_at: datetime | None) -> Owed:
        return Owed(fact.statement_id, kind, event.division, event.drill, fact.person_id, since_at, due_at)

    match fact:
        case CareScheduled():
            return owed(CARE, fact.from_at, fact.until_at)._replace(
                placement_id=fact.placement_id,
                mode=fact.mode.value,
                checks_per_day=fact.checks_per_day,
                test_dates=fact.test_dates,
            )
        case SamplingDue():
            return owed(SAMPLING, fact.since_at, None)
        case ReleaseDue():
            return owed(RELEASE, event.time, fact.due_at)
        case DeadlineJudged():
            kind = TRANSFER if fact.about_id is None else LEAD
            return owed(kind, fact.started_at, fact.due_at)._replace(about_id=fact.about_id)
    assert_never(fact)
