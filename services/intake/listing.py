"""Leads as a division sees them: those that it holds, each in its state, and those that it has passed on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from contracts.leads import LeadState, Tenure
from contracts.policy.days import SHANGHAI
from services.chassis.database import Tx
from services.intake.rules.lead_rows import LeadDone, LeadHeld, by_lead, held_of
from services.intake.store import leads


class Listed(NamedTuple):
    """A lead in one division's eyes. tenure: its last with a lead that lies there, else the one that it ended."""

    lead: LeadHeld
    tenure: Tenure
    holder: Tenure
    done: Sequence[LeadDone]


async def listed(
    tx: Tx, divisions: Collection[str], state: LeadState | None = None, lead_id: str | None = None
) -> list[Listed]:
    """The leads of these divisions and below, the latest received first: those in a state, the one of an id, or all."""
    if lead_id is None:
        found = await leads.find_around(tx, [*divisions], without_answered=state is LeadState.OPEN)
    else:
        found = await leads.load(tx, [lead_id])
    done = by_lead(await leads.load_steps(tx, [each.record_id for each in found]))
    return [
        seen
        for lead in found
        for seen in _seen(lead, done.get(lead.record_id, ()), divisions)
        if state is None or seen.tenure.state is state
    ]


def _seen(lead: LeadHeld, done: Sequence[LeadDone], divisions: Collection[str]) -> Iterator[Listed]:
    held = held_of(lead, done)
    own = [each for each in held if each.division_code.startswith(tuple(divisions))]
    if own:
        yield Listed(lead, own[-1], held[-1], done)


async def held_in(tx: Tx, divisions: Collection[str], state: LeadState) -> list[Listed]:
    """The leads in a state that one of these divisions, or one below, holds now."""
    return [each for each in await listed(tx, divisions, state) if each.tenure == each.holder]


def passed_on_because(each: Listed) -> str | None:
    """Why it came to the division that holds it, where that was said when it was passed on."""
    return next((done.reason for done in each.done if done.record_id == each.tenure.begun_by), None)


def shown(each: Listed) -> dict[str, Any]:
    """Ids alone; by whom it was passed on or closed are posts."""
    return {
        "lead_id": each.lead.record_id,
        "division_code": each.tenure.division_code,
        "state": each.tenure.state.value,
        "now_with": each.holder.division_code,
        "since_at": each.tenure.since_at.astimezone(SHANGHAI),
        "person_id": each.lead.person_id,
        "source": each.lead.source,
        "reference": each.lead.reference,
        "sent_by": each.lead.sent_by,
        "received_at": each.lead.received_at.astimezone(SHANGHAI),
        "drill": each.lead.drill,
        "steps": [_step(one) for one in sorted(each.done, key=lambda one: (one.done_at, one.record_id))],
    }


def _step(done: LeadDone) -> dict[str, Any]:
    more = {"to_division_code": done.to_division_code, "outcome": done.outcome, "reason": done.reason}
    head = {"did": done.did, "division_code": done.division_code, "done_by": done.done_by}
    return {
        **head, "done_at": done.done_at.astimezone(SHANGHAI), **{k: v for k, v in more.items() if v is not None}
    }  # fmt: skip
