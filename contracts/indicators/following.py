"""Leads and needs: what came, what became of it, and what nobody has followed yet (Notices 000 §1, 003 §5)."""

from __future__ import annotations

from operator import attrgetter

from contracts.envelope import Fact
from contracts.events.deadlines import DeadlineJudged, Verdict
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadReceived
from contracts.events.needs import NeedAsked, NeedMet
from contracts.indicators.indicator import Indicator, statement

_SOURCES = {"lead": "Notice 000 §1: no lead let go", "need": "Notice 003 §5: what people in quarantine need"}


def _waits(fact: DeadlineJudged) -> bool:
    """A lead's clock that nothing has stopped, late or not."""
    return fact.about_id is not None and fact.stopped_at is None and fact.verdict is not Verdict.CANCELLED


def _of(kind: str, code: str, name_en: str, name_zh: str, fact: type[Fact], at: str, why: str) -> Indicator:
    """Leads or needs, whoever told one twice, by what a record says of them; at: the fact's instant."""
    followed = attrgetter("data.person_id", f"data.{kind}_id")
    return Indicator(
        code,
        name_en,
        name_zh,
        fact,
        subjects=lambda event: (("/".join(followed(event)), event.division),),
        at=attrgetter(f"data.{at}"),
        why=why,
        source=_SOURCES[kind],
    )


FOLLOWING = (
    _of(
        "lead", "leads-received", "Leads received", "收到线索", LeadReceived, "received_at",
        "people to be found, where they were first looked for",
    ),
    _of(
        "lead", "leads-landed", "Leads landed", "线索落地", LeadLanded, "landed_at",
        "found, where the person was found",
    ),
    _of(
        "lead", "leads-not-found", "Leads not found", "查无此人线索", LeadNotFound, "sought_at",
        "sought in vain, by the division that sought",
    ),
    _of("lead", "leads-closed", "Leads closed", "线索办结", LeadClosed, "closed_at", "nothing more is to be done"),
    Indicator(
        "leads-open",
        "Leads nobody has followed",
        "待核查线索",
        DeadlineJudged,
        subjects=statement,
        at=attrgetter("data.started_at"),
        counts=_waits,
        why="with the division that holds them, since when they came to it",
        source=_SOURCES["lead"],
    ),
    _of("need", "needs-asked", "Needs asked", "群众需求", NeedAsked, "asked_at", "what people in quarantine asked for"),
    _of("need", "needs-met", "Needs met", "需求办结", NeedMet, "met_at", "brought or done"),
)  # fmt: skip
