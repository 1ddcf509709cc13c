"""Merges as people decide them, on the way in: who may, what is kept of the decision, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from contracts.exercise import both_worlds
from services.chassis.database import Tx
from services.intake.problems import Problem
from services.intake.records import Record, SamePerson, Withdrawal
from services.intake.sender import Sender
from services.intake.store import merges, people
from services.intake.vault import Vault


class Decided(NamedTuple):
    """An admitted record, and what it says."""

    record_id: str
    record: Record | Withdrawal
    events: Sequence[Event[Any]]


async def beyond_jurisdiction(tx: Tx, merging: Sequence[tuple[Sender, Sequence[str]]]) -> list[tuple[Problem, ...]]:
    """Of each merge (who sends it; the ids of the kept one and the other): whom the sender has no say over."""
    rows = await people.load_persons(tx, {each for _, ids in merging for each in ids}) if merging else {}
    return [
        tuple(
            Problem(field, "beyond_jurisdiction")
            for field, each in zip(("kept", "other"), ids, strict=True)
            if each in rows and not sender.may_record(rows[each].division_code)
        )
        for sender, ids in merging
    ]


async def keep_merges(tx: Tx, now: datetime, vault: Vault, decided: Sequence[Decided]) -> None:
    """Which ids are one person from now on, and every decision with its reason, sealed.

    The vault knows people in earnest alone: what is said in an exercise joins nobody here.
    """
    said = [(each, event) for each in decided for event in each.events if isinstance(event.data, PersonsMerged)]
    in_earnest = [next(both_worlds(event)).data for _, event in said]
    await merges.save_merges(tx, in_earnest, [_decision(vault, now, each, event) for each, event in said])


def _decision(vault: Vault, now: datetime, decided: Decided, event: Event[PersonsMerged]) -> merges.Decision:
    fact, record = event.data, decided.record
    its_own = isinstance(record, SamePerson | Withdrawal)
    by = getattr(record, "decided_by", None) if its_own else None
    reason = getattr(record, "reason", None) if its_own else None
    return merges.Decision(
        fact.statement_id,
        fact.revision,
        decided.record_id,
        fact.person_id,
        fact.other_id,
        event.division,
        fact.withdrawn,
        now,
        str(by or f"feed {record.feed}")[:100],
        vault.seal(str(reason or "")[:500].encode(), fact.statement_id),
    )
