"""Leads and needs: what came, what became of it, and what nobody has followed yet (Notices 000 §1, 003 §5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contracts.envelope import Event
from contracts.events.deadlines import DeadlineJudged, Verdict
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadReceived
from contracts.events.needs import NeedAsked, NeedMet
from contracts.indicators.indicator import Indicator, statement

_LEADS = "Notice 000 §1: no lead let go"
_NEEDS = "Notice 003 §5: what people in quarantine need"


def _lead(event: Event[Any]) -> Iterable[tuple[str, str]]:
    """The lead, whoever told it twice."""
    return ((f"{event.data.person_id}/{event.data.lead_id}", event.division),)


def _need(event: Event[Any]) -> Iterable[tuple[str, str]]:
    return ((f"{event.data.person_id}/{event.data.need_id}", event.division),)


def _waits(fact: DeadlineJudged) -> bool:
    """A lead's clock that nothing has stopped, late or not."""
    return fact.about_id is not None and fact.stopped_at is None and fact.verdict is not Verdict.CANCELLED


FOLLOWING = (
    Indicator(
        "leads-received",
        "Leads received",
        "收到线索",
        LeadReceived,
        subjects=_lead,
        at=lambda event: event.data.received_at,
        why="people to be found, where they were first looked for",
        source=_LEADS,
    ),
    Indicator(
        "leads-landed",
        "Leads landed",
        "线索落地",
        LeadLanded,
        subjects=_lead,
        at=lambda event: event.data.landed_at,
        why="found, where the person was found",
        source=_LEADS,
    ),
    Indicator(
        "leads-not-found",
        "Leads not found",
        "查无此人线索",
        LeadNotFound,
        subjects=_lead,
        at=lambda event: event.data.sought_at,
        why="sought in vain, by the division that sought",
        source=_LEADS,
    ),
    Indicator(
        "leads-closed",
        "Leads closed",
        "线索办结",
        LeadClosed,
        subjects=_lead,
        at=lambda event: event.data.closed_at,
        why="nothing more is to be done",
        source=_LEADS,
    ),
    Indicator(
        "leads-open",
        "Leads nobody has followed",
        "待核查线索",
        DeadlineJudged,
        subjects=statement,
        at=lambda event: event.data.started_at,
        counts=_waits,
        why="with the division that holds them, since when they came to it",
        source=_LEADS,
    ),
    Indicator(
        "needs-asked",
        "Needs asked",
        "群众需求",
        NeedAsked,
        subjects=_need,
        at=lambda event: event.data.asked_at,
        why="what people in quarantine asked for",
        source=_NEEDS,
    ),
    Indicator(
        "needs-met",
        "Needs met",
        "需求办结",
        NeedMet,
        subjects=_need,
        at=lambda event: event.data.met_at,
        why="brought or done",
        source=_NEEDS,
    ),
)
