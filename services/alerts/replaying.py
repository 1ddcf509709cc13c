"""How alerts is brought to what the log says: clocks judged anew at the instants of the log, and nobody told again.

Who was told what and when lies in the log as well (`MessageSent`): at those instants, and at no other, the teller runs,
and what it would tell is dropped. The messages themselves are kept as they were told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.envelope import Event, F
from contracts.events.deadlines import DeadlineJudged, MessageSent, Verdict, VisitMissed
from contracts.exercise import is_said_apart, set_apart
from services.alerts.judging import clock_event, missed_event
from services.alerts.rules import DIGEST_WINDOW
from services.alerts.store import clocks, said, watches
from services.alerts.store.clocks import Clock
from services.alerts.store.said import Said
from services.alerts.store.watches import Missed
from services.alerts.timers import run_out, tell
from services.chassis.database import Tx
from services.chassis.replay import Replaying, body_of
from services.chassis.service import Worked


async def _work(tx: Tx, at: datetime, told: Sequence[Event[Any]]) -> Worked:
    ran = await run_out(tx, at)
    if ran.events or ran.more or not told:
        return Worked(more=bool(ran.events) or ran.more)
    return await tell(tx, at)


async def _settle(tx: Tx) -> list[Event[Any]]:
    """Revisions as said, and what is judged otherwise than it was said."""
    events = await _settle_clocks(tx, await said.load_said(tx, DeadlineJudged.type))
    events += await _settle_missed(tx, await said.load_said(tx, VisitMissed.type))
    await said.put_messages_back(tx)
    return events


async def _settle_clocks(tx: Tx, before: dict[str, Said]) -> list[Event[Any]]:
    events, revisions = [], []
    for clock in await said.load_every_clock(tx):
        last = before.pop(f"clock:{clock.clock_id}", None)
        event = clock_event(clock, last.event_time if last else clock.started_at)
        revision = _revision(event, last)
        revisions.append((clock.clock_id, revision))
        if last is None or revision > last.revision:
            events.append(clock_event(_at(clock, revision), event.time))
    await said.set_clock_revisions(tx, revisions)
    gone = [await _cancelled(tx, last) for last in before.values()]
    if gone:
        await clocks.save_clocks(tx, gone)
    return events + [
        clock_event(clock, last.event_time)
        for clock, last in zip(gone, before.values(), strict=True)
        if clock.revision > last.revision
    ]


async def _settle_missed(tx: Tx, before: dict[str, Said]) -> list[Event[Any]]:
    events: list[Event[Any]] = []
    revisions, unheard = [], []
    for missed in await said.load_every_missed(tx):
        event = missed_event(missed, missed.slot_end_at)
        last = before.pop(event.data.statement_id, None)
        if last is None and missed.withdrawn:
            unheard.append((missed.placement_id, missed.person_id, missed.slot_end_at))
            continue
        revision = _revision(event, last)
        revisions.append((missed.placement_id, missed.person_id, missed.slot_end_at, revision))
        if last is None or revision > last.revision:
            events.append(missed_event(_at(missed, revision), last.event_time if last else missed.slot_end_at))
    await said.set_missed_revisions(tx, revisions)
    await said.forget_missed(tx, unheard)
    gone = [_taken_back(last) for last in before.values()]
    if gone:
        await watches.save_missed(tx, gone)
    pairs = zip(gone, before.values(), strict=True)
    return events + [missed_event(each, last.event_time) for each, last in pairs if each.revision > last.revision]


def _revision(event: Event[Any], last: Said | None) -> int:
    """The one under which it was said, or the next if it was said otherwise."""
    if last is None:
        return 1
    now = (event.data.withdrawn, body_of(event.data), event.division, event.drill)
    return last.revision + (now != (last.withdrawn, last.body, last.division_code, last.drill))


def _at(row: Any, revision: int) -> Any:
    return type(row)(**{**{name: getattr(row, name) for name in row.__dataclass_fields__}, "revision": revision})


async def _cancelled(tx: Tx, last: Said) -> Clock:
    """A clock that came and went within one step of the replay: its revision goes on from where it was."""
    fact = _kept(DeadlineJudged.model_validate_json(last.body), last)
    unit, recorded_at = await said.opening_of(tx, fact) or (None, fact.started_at)
    return Clock(
        fact.clock_id, last.revision + (fact.verdict is not Verdict.CANCELLED), fact.deadline, fact.person_id,
        fact.line.value, last.division_code, unit, last.drill, Verdict.CANCELLED, fact.started_at, None, None,
        fact.edition, fact.standing, None, recorded_at + DIGEST_WINDOW, -1, fact.about_id,
    )  # fmt: skip


def _kept(fact: F, last: Said) -> F:
    return set_apart(fact) if last.drill and is_said_apart(fact.statement_id) else fact


def _taken_back(last: Said) -> Missed:
    fact = _kept(VisitMissed.model_validate_json(last.body), last)
    return Missed(
        fact.placement_id, fact.slot_end_at, fact.slot_start_at, fact.person_id, last.division_code,
        last.revision + (not last.withdrawn), True, last.drill,
    )  # fmt: skip


REPLAYING = Replaying(
    settle=_settle,
    work=_work,
    begin=said.keep_messages,
    kept=frozenset({"posts", "messages_before"}),
    beats=(MessageSent,),
)
