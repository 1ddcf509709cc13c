"""What time does to clocks: it runs out, and posts are told, one digest each, one rung of the line at a time.

Timers claim people with SKIP LOCKED; what they change and what they say is one transaction. The backlog of events is
read before any timer runs, so that nothing is called missed that is only unread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from contracts.envelope import Event, Fact, say
from contracts.events.deadlines import Line, MessageSent
from contracts.exercise import named_id
from services.alerts import judging
from services.alerts.rules import missed_before, next_telling, rungs_of_missed, rungs_owed
from services.alerts.store import clocks, posts, watches
from services.alerts.store.clocks import Clock
from services.alerts.store.posts import Post
from services.alerts.store.watches import Missed
from services.chassis.database import Tx
from services.chassis.service import Worked

CLAIMED_AT_ONCE = 500
ONE_TELLER = "select pg_try_advisory_xact_lock(hashtext('gridward alerts teller'))"
Item = dict[str, Any]
log = structlog.get_logger()


async def work(tx: Tx, now: datetime) -> Worked:
    """What time asks for: first the clocks and slots that ran out, then, when none is left, the tellings."""
    ran = await run_out(tx, now)
    return Worked(ran.events, more=True) if ran.events or ran.more else await tell(tx, now)


async def run_out(tx: Tx, now: datetime) -> Worked:
    """Judge the clocks and visit slots on which time has run out."""
    due = await clocks.find_due(tx, now, CLAIMED_AT_ONCE)
    mine = await clocks.claim(tx, due)
    if not mine:
        return Worked()
    said = await judging.run_out(tx, mine, now) + await judging.judge_ended_slots(tx, mine, now)
    return Worked(said, more=len(due) == CLAIMED_AT_ONCE)


async def tell(tx: Tx, now: datetime) -> Worked:
    """Tell each post, in one digest, of everything that it is owed by now; wait while timers still run."""
    await _meet_new_posts(tx, now)
    if not await clocks.is_anything_to_tell(tx, now):
        return Worked()
    if not await tx.fetchval(ONE_TELLER) or await clocks.count_due(tx, now):
        return Worked()
    open_clocks, missed = await clocks.load_tellable(tx, now), await watches.find_untold(tx)
    digests: dict[str, tuple[Post, list[Item]]] = {}
    for post, item in await _items(tx, open_clocks, missed, now):
        digests.setdefault(post.post_id, (post, []))[1].append(item)
    told = [digests[post_id] for post_id in sorted(digests)]
    await posts.save_messages(tx, now, told)
    for post, items in told:
        log.info("told", post=post.post_id, line=post.line, division=post.division_code, items=len(items))
    return Worked([_sent(post, items, now) for post, items in told])


async def _meet_new_posts(tx: Tx, now: datetime) -> None:
    """What was owed before there was anybody to be told is told to whoever is there now."""
    if where := await posts.meet_new(tx):
        await clocks.ask_again(tx, where, now)
        await watches.ask_again(tx, [division for line, division, _ in where if line == Line.COMMAND])


async def pending(tx: Tx, now: datetime) -> int:
    """Timers and tellings that are due and not yet done."""
    return await clocks.count_pending(tx, now)


async def _items(
    tx: Tx, open_clocks: Sequence[Clock], missed: Sequence[Missed], now: datetime
) -> list[tuple[Post, Item]]:
    command = Line.COMMAND.value
    ladders = await posts.load_ladders(
        tx,
        [
            *((c.line, c.division_code, c.unit) for c in open_clocks),
            *((command, m.division_code, None) for m in missed),
        ],
    )
    items, told = [], []
    for clock in open_clocks:
        ladder = ladders[clock.line, clock.division_code, clock.unit]
        owed = rungs_owed(clock.told, clock.due_at, clock.tell_at or now, now)
        items += [(ladder[rung], _clock_item(clock, rung)) for rung in owed if rung < len(ladder)]
        told.append(_told(clock, owed, len(ladder)))
    await clocks.save_told(tx, told)
    before = _missed_before(await watches.load_missed(tx, sorted({m.placement_id for m in missed})))
    for each in missed:
        ladder = ladders[command, each.division_code, None]
        rungs = rungs_of_missed(missed_before(each.slot_start_at, before[each.placement_id]))
        items += [(ladder[rung], _missed_item(each, rung)) for rung in rungs if rung < len(ladder)]
    await watches.save_told_missed(tx, [(each, not ladders[command, each.division_code, None]) for each in missed])
    return items


def _told(clock: Clock, owed: range, length: int) -> tuple[str, int, datetime | None]:
    top = max(clock.told, min(owed[-1], length - 1)) if owed else clock.told
    return clock.clock_id, top, next_telling(top, clock.due_at) if top + 1 < length else None


def _missed_before(missed: Sequence[Missed]) -> dict[str, dict[datetime, datetime]]:
    before: dict[str, dict[datetime, datetime]] = defaultdict(dict)
    for each in missed:
        if not each.withdrawn:
            before[each.placement_id][each.slot_end_at] = each.slot_start_at
    return before


def _clock_item(clock: Clock, rung: int) -> Item:
    return {
        "about": clock.deadline,
        "clock_id": clock.clock_id,
        "division_code": clock.division_code,
        "rung": rung,
        "verdict": clock.verdict.value,
        "started_at": clock.started_at.isoformat(),
        "due_at": clock.due_at.isoformat() if clock.due_at else None,
        "edition": clock.edition,
        "standing": clock.standing.value,
        "drill": clock.drill,
    }


def _missed_item(missed: Missed, rung: int) -> Item:
    return {
        "about": "visit",
        "placement_id": named_id(missed.placement_id, drill=missed.drill),
        "division_code": missed.division_code,
        "rung": rung,
        "verdict": "missed",
        "started_at": missed.slot_start_at.isoformat(),
        "due_at": missed.slot_end_at.isoformat(),
        "drill": missed.drill,
    }


def _sent(post: Post, items: Sequence[Item], now: datetime) -> Event[Fact]:
    fact = MessageSent(
        statement_id=judging.statement_of("message", f"{post.post_id}:{now:%Y%m%dT%H%M%S%f}"),
        post_id=post.post_id,
        line=Line(post.line),
        post_division_code=post.division_code,
        items=len(items),
        sent_at=now,
    )
    return say(fact, source=judging.ME, time=now, division=post.division_code, drill=all(i["drill"] for i in items))
