"""Between rules and store: judge the clocks and visit slots of locked people, save and say what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from contracts.envelope import Event, Fact, say
from contracts.events.deadlines import DeadlineJudged, Line, Verdict, VisitMissed
from contracts.exercise import MARK, as_named, is_said_apart
from contracts.persons import Merged
from contracts.policy import slots_between
from services.alerts.matters import LONGEST_ID, Key
from services.alerts.rules import judge, missed_slots
from services.alerts.store import around, clocks, leads, watches
from services.alerts.store.clocks import Clock, clock_of
from services.alerts.store.watches import Missed, Watch
from services.chassis.database import Tx
from services.chassis.merges import load_merged

ME = "alerts"
TWO_DAYS = timedelta(days=2)


async def judge_clocks(
    tx: Tx, people: Sequence[str], times: Mapping[str, datetime], merged: Merged
) -> list[Event[Fact]]:
    """Judge the clocks of people, under every id of theirs, by the facts as they now are.

    One person has one clock of a deadline for each matter, under the id that is kept. times: when the newest fact on
    each was received.
    """
    if not people:
        return []
    openings = await around.load_openings(tx, people, merged)
    stops = await around.load_stops(tx, people, merged, openings)
    for of_lead, clock in (await leads.load_clocks(tx, people, merged)).items():
        openings[of_lead] = clock.opening
        if clock.stop is not None:
            stops[of_lead] = clock.stop
    held, adoptions = await clocks.load_clocks(tx, people), await around.load_adoptions(tx)
    changed, anew = list[Clock](), list[Clock]()
    keys = {key.clock_id: key for key in openings}
    for clock_id in sorted(keys.keys() | held.keys()):
        key, before = keys.get(clock_id), held.get(clock_id)
        if key is None:
            after = _cancelled(before)
        else:
            judged = judge(key.deadline, openings[key], stops.get(key), None, adoptions)
            after = clock_of(key, openings[key], judged, before)
            after = after if before else told_as_before(after, key, held, merged)
        if after is not None and not _same(before, after):
            changed.append(after)
            anew += [after] if _begins_anew(before, after) else []
    said = await _saved(tx, changed, times)
    await clocks.tell_anew(tx, anew)
    return said


def _begins_anew(before: Clock | None, after: Clock) -> bool:
    """Whether it had stopped and runs for what began later of the same matter."""
    stopped_at = before.stopped_at if before else None
    return stopped_at is not None and after.stopped_at is None and after.started_at > stopped_at


def told_as_before(clock: Clock, key: Key, held: Mapping[str, Clock], merged: Merged) -> Clock:
    """A clock that was told of under another id of the person is not told of again from the first rung on."""
    ids = [key._replace(person_id=who).clock_id for who in merged.all_of(clock.person_id)]
    others = [held[clock_id] for clock_id in ids if clock_id in held]
    furthest = max(others, key=lambda other: other.told, default=None)
    return replace(clock, told=furthest.told, tell_at=furthest.tell_at) if furthest else clock


async def run_out(tx: Tx, people: Sequence[str], now: datetime) -> list[Event[Fact]]:
    """Judge the clocks of people that ran out before now."""
    held = await clocks.load_clocks(tx, people)
    late = [
        replace(clock, revision=clock.revision + 1, verdict=Verdict.MISSED, next_at=None)
        for _, clock in sorted(held.items())
        if clock.next_at is not None and clock.next_at < now and clock.verdict is Verdict.RUNNING
    ]
    return await _saved(tx, late, dict.fromkeys(people, now))


async def judge_ended_slots(tx: Tx, people: Sequence[str], now: datetime) -> list[Event[Fact]]:
    """Judge the slots that ended before now and were not judged yet."""
    due = await watches.load_watches(tx, people, due_before=now)
    if not due:
        return []
    ended_of = [
        [slot for slot in _to_be_judged(watch, watch.judged_until, min(watch.until_at, now)) if slot[1] < now]
        for watch in due
    ]
    since = min((slots[0][0] for slots in ended_of if slots), default=now)
    visits = await around.load_visits(tx, people, since, await load_merged(tx, people))
    found, judged = [], []
    for watch, ended in zip(due, ended_of, strict=True):
        until = ended[-1][1] if ended else watch.judged_until
        found += [
            _missed(watch, slot, 1, False) for slot in missed_slots(ended, visits.get(watch.person_id, []), until)
        ]
        judged.append((watch.placement_id, watch.person_id, until, _next_end(watch, until)))
    await watches.save_judged(tx, judged)
    return await _saved_missed(tx, found, dict.fromkeys(people, now))


async def judge_again(
    tx: Tx, people: Sequence[str], times: Mapping[str, datetime], merged: Merged
) -> list[Event[Fact]]:
    """Judge the slots judged before once more: a schedule changed, or a check came late or was corrected."""
    if not people:
        return []
    mine = await watches.load_watches(tx, people)
    visits = await around.load_visits(tx, people, None, merged)
    before = {
        (m.placement_id, m.person_id, m.slot_end_at): m
        for m in await watches.load_missed(tx, [w.placement_id for w in mine])
    }
    changed, judged = [], []
    for watch in mine:
        changed += _differences(watch, visits.get(watch.person_id, []), before)
        judged.append((watch.placement_id, watch.person_id, watch.judged_until, _next_end(watch, watch.judged_until)))
    await watches.save_judged(tx, judged)
    return await _saved_missed(tx, changed, times)


def _differences(
    watch: Watch, visits: Sequence[datetime], before: Mapping[tuple[str, str, datetime], Missed]
) -> list[Missed]:
    slots = [] if watch.withdrawn else _slots(watch, watch.from_at, min(watch.until_at, watch.judged_until))
    now_missed = {slot[1]: slot for slot in missed_slots(slots, visits, watch.judged_until)}
    mine = (watch.placement_id, watch.person_id)
    held = {end: m for (placement, who, end), m in before.items() if (placement, who) == mine}
    changed = []
    for end in sorted(now_missed.keys() | held.keys()):
        was, gone = held.get(end), end not in now_missed
        if was is None or was.withdrawn != gone:
            slot = now_missed[end] if was is None else (was.slot_start_at, end)
            changed.append(_missed(watch, slot, was.revision + 1 if was else 1, gone))
    return changed


def _slots(watch: Watch, from_at: datetime, until_at: datetime) -> list[tuple[datetime, datetime]]:
    return slots_between(from_at, until_at, watch.checks_per_day) if watch.checks_per_day else []


def _to_be_judged(watch: Watch, judged_until: datetime, until_at: datetime) -> list[tuple[datetime, datetime]]:
    """Slots that end after those judged; one that began before them too, where the placement was corrected."""
    return [slot for slot in _slots(watch, watch.from_at, until_at) if slot[1] > judged_until]


def _next_end(watch: Watch, judged_until: datetime) -> datetime | None:
    if watch.withdrawn:
        return None
    latest = max(judged_until, watch.from_at) + TWO_DAYS
    coming = _to_be_judged(watch, judged_until, min(watch.until_at, latest))
    return coming[0][1] if coming else None


def _missed(watch: Watch, slot: tuple[datetime, datetime], revision: int, withdrawn: bool) -> Missed:
    return Missed(
        watch.placement_id, slot[1], slot[0], watch.person_id, watch.division_code, revision, withdrawn, watch.drill
    )


async def _saved_missed(tx: Tx, missed: Sequence[Missed], times: Mapping[str, datetime]) -> list[Event[Fact]]:
    if missed:
        await watches.save_missed(tx, missed)
    return [missed_event(each, times.get(each.person_id, each.slot_end_at)) for each in missed]


def missed_event(missed: Missed, time: datetime) -> Event[Fact]:
    """A missed slot, or one taken back, as it is said."""
    fact = VisitMissed(
        statement_id=missed_statement(missed),
        revision=missed.revision,
        withdrawn=missed.withdrawn,
        person_id=missed.person_id,
        placement_id=missed.placement_id,
        slot_start_at=missed.slot_start_at,
        slot_end_at=missed.slot_end_at,
    )
    return _said(fact, time, missed.division_code, missed.drill)


def _said(fact: Fact, time: datetime, division: str, drill: bool) -> Event[Fact]:
    return say(as_named(fact, drill=drill), source=ME, time=time, division=division, drill=drill)


def missed_statement(missed: Missed) -> str:
    """The placement, the person and the slot."""
    return statement_of(
        "missed", f"{missed.placement_id}:{missed.person_id}:{missed.slot_end_at.astimezone(UTC):%Y%m%dT%H%M}"
    )


def statement_of(what: str, about: str) -> str:
    """An id of both; hashed where the ids of others make it longer than an id may be."""
    plain = f"{what}:{about}"
    mark = MARK if is_said_apart(plain) else ""
    return plain if len(plain) <= LONGEST_ID else f"{what}:{mark}{blake2b(plain.encode(), digest_size=20).hexdigest()}"


async def _saved(tx: Tx, changed: Sequence[Clock], times: Mapping[str, datetime]) -> list[Event[Fact]]:
    if changed:
        await clocks.save_clocks(tx, changed)
    return [clock_event(clock, times.get(clock.person_id, clock.started_at)) for clock in changed]


def clock_event(clock: Clock, time: datetime) -> Event[Fact]:
    """A clock as it is said."""
    fact = DeadlineJudged(
        statement_id=f"clock:{clock.clock_id}",
        revision=clock.revision,
        person_id=clock.person_id,
        clock_id=clock.clock_id,
        deadline=clock.deadline,
        line=Line(clock.line),
        verdict=clock.verdict,
        started_at=clock.started_at,
        due_at=clock.due_at,
        stopped_at=clock.stopped_at,
        edition=clock.edition,
        standing=clock.standing,
        about_id=clock.about_id,
    )
    return _said(fact, time, clock.division_code, clock.drill)


def _cancelled(before: Clock | None) -> Clock | None:
    """The opening was withdrawn: the clock was never due."""
    if before is None or before.verdict is Verdict.CANCELLED:
        return None
    revision = before.revision + 1
    return replace(before, revision=revision, verdict=Verdict.CANCELLED, due_at=None, stopped_at=None, next_at=None)


_COMPARED = ("verdict", "started_at", "due_at", "stopped_at", "edition", "standing", "division_code", "unit", "drill")


def _same(before: Clock | None, after: Clock) -> bool:
    """Whether nothing changed; a clock that time has run out on stays missed while its times stay."""
    if before is None:
        return False
    expired = before.verdict is Verdict.MISSED and after.verdict is Verdict.RUNNING and before.due_at == after.due_at
    names: Iterable[str] = _COMPARED[1:] if expired else _COMPARED
    return all(getattr(before, name) == getattr(after, name) for name in names)
