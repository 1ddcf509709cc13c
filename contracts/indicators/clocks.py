"""What the clocks said, and the messages told (Notice 003 §2: found, reported, handled at first time)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.contacts import Standing
from contracts.events.deadlines import DeadlineJudged, MessageSent, Verdict
from contracts.indicators.indicator import Indicator, statement

_VERDICTS = {
    Verdict.KEPT: ("deadlines-kept", "Deadlines kept", "按时完成"),
    Verdict.LATE: ("deadlines-late", "Deadlines kept late", "逾期完成"),
    Verdict.MISSED: ("deadlines-missed", "Deadlines missed", "逾期未完成"),
    Verdict.UNDECIDED: ("deadlines-undecided", "Deadlines undecided", "无法判定"),
    Verdict.UNLIMITED: ("deadlines-unlimited", "Without a deadline", "无时限"),
}


def _judged_at(event: Event[Any]) -> datetime:
    """When the act was done, else when it was due, else when the clock started; a missed one is stopped by no act."""
    fact: DeadlineJudged = event.data
    if fact.verdict is Verdict.RUNNING:
        return fact.started_at
    done_at = None if fact.verdict is Verdict.MISSED else fact.stopped_at
    return done_at or fact.due_at or fact.started_at


def _post(event: Event[Any]) -> Iterable[tuple[str, str]]:
    return ((event.data.statement_id, event.division),)


def _judged(verdict: Verdict, provisional: bool) -> Indicator:
    code, name_en, name_zh = _VERDICTS[verdict]
    return Indicator(
        f"{code}.provisional" if provisional else code,
        f"{name_en} (provisional value)" if provisional else name_en,
        f"{name_zh}（暂行值）" if provisional else name_zh,
        DeadlineJudged,
        subjects=statement,
        at=_judged_at,
        counts=lambda fact: fact.verdict is verdict and (fact.standing is Standing.PROVISIONAL) is provisional,
        why="a value nobody adopted is no breach: counted apart" if provisional else "at first time, or not",
        source="Notice 003 §2",
    )


CLOCKS = (
    *(_judged(verdict, provisional) for provisional in (False, True) for verdict in _VERDICTS),
    Indicator(
        "deadlines-running",
        "Clocks running",
        "计时中",
        DeadlineJudged,
        subjects=statement,
        at=_judged_at,
        counts=lambda fact: fact.verdict is Verdict.RUNNING,
        why="acts that are owed now, under any value",
        source="Notice 003 §2",
    ),
    Indicator(
        "messages-sent",
        "Messages sent",
        "已发消息",
        MessageSent,
        subjects=_post,
        at=lambda event: event.data.sent_at,
        moves=False,
        why="one digest to one post, not forty",
        source="Notice 003 §2",
    ),
)
