"""The deriver: what facts made stale is derived again, in a transaction later than the one that committed them.

Two facts that arrive side by side cannot miss each other: each names both persons, so whichever commits last is
followed by a derivation that sees both. What one person's derivation reads of another is a row of `states`; whoever
changes that row, or meets somebody not met when it was written, names the neighbour in his own transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import structlog

from contracts.envelope import Event, Fact, say
from contracts.events.quarantine import EpisodeChanged
from contracts.exercise import as_named, is_apart
from contracts.persons import Merged
from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.chassis.service import Worked
from services.tracing.rules.derivation import Derived, derive, derive_together
from services.tracing.rules.surroundings import NOBODY, Surroundings
from services.tracing.store.merges import touched_by_merges
from services.tracing.store.published import Published, load_published, save_published
from services.tracing.store.stale import (
    DIVISION,
    MERGE,
    PERSON,
    RESULT,
    TUBE,
    Cause,
    Named,
    append_stale,
    members_of_tubes,
    persons_below,
    take_stale,
)
from services.tracing.store.states import State, lock_states, save_states, save_stuck
from services.tracing.store.surroundings import load_surroundings

log = structlog.get_logger()

TURN_ROWS = 500
"""Rows of `stale` in one transaction: a few hundred persons, well under a second."""


async def derive_stale(tx: Tx, now: datetime) -> Worked:
    """One turn: the first stale persons, each under the lock of his row. Says differences only; `now` plays no part."""
    del now
    taken = await take_stale(tx, TURN_ROWS)
    if not taken:
        return Worked()
    by_kind: dict[str, dict[str, Cause]] = defaultdict(dict)
    for (kind, key), cause in taken.items():
        by_kind[kind][key] = cause
    named = await members_of_tubes(tx, by_kind[TUBE], if_positive=True)
    named |= await members_of_tubes(tx, by_kind[RESULT], if_positive=False)
    for division_code, cause in by_kind[DIVISION].items():
        named |= await persons_below(tx, division_code, cause)
    named |= await touched_by_merges(tx, by_kind[MERGE])
    await append_stale(tx, named)
    persons = by_kind[PERSON]
    return Worked(await derive_persons(tx, persons) if persons else (), more=True)


async def derive_persons(tx: Tx, causes: Mapping[str, Cause]) -> list[Event[Fact]]:
    """Derives these persons and names their neighbours; returns what changed, in order of the persons' ids.

    Who is one with another is derived under the id that is kept; whose id is not kept states nothing any more.
    """
    causes = _with_the_kept(causes, await load_merged(tx, causes))
    person_ids = sorted(causes)
    before = await lock_states(tx, person_ids)
    # Read again: who waited for a row must not write as of before the merge that was derived meanwhile.
    merged = await load_merged(tx, person_ids)
    loaded = await load_surroundings(tx, person_ids, merged)
    published = await load_published(tx, person_ids)
    derived, failed = derive_all(loaded.around)
    after = {who: _state(before[who], came_out, loaded.around[who]) for who, came_out in derived.items()}
    told = {who: to_tell(before[who], new) for who, new in after.items()}
    causes = _spread(causes, told)
    said: list[tuple[Published, Event[Fact]]] = []
    states: list[tuple[str, State, EpisodeChanged | None]] = []
    for who, new in after.items():
        time = _latest(causes[who], before[who], (loaded.times[other] for other in new.met & loaded.times.keys()))
        envelope = Envelope(new.division_code, is_apart(who), time, causes[who])
        changes = list(differences(derived[who], published.get(who, {}), envelope))
        if changes or replace(new, event_time=time) != before[who]:
            states.append((who, replace(new, event_time=time), derived[who].episode))
        said += changes
    await save_published(tx, [row for row, _ in said])
    await save_states(tx, states)
    await save_stuck(tx, derived, failed)
    # Those derived here have read what came out.
    await append_stale(tx, (Named(PERSON, who, causes[by]) for by in told for who in told[by] - derived.keys()))
    kept_now = _with_the_kept(causes, merged)
    await append_stale(tx, (Named(PERSON, who, kept_now[who]) for who in kept_now.keys() - causes.keys()))
    return [event for _, event in said]


def _with_the_kept(causes: Mapping[str, Cause], merged: Merged) -> dict[str, Cause]:
    """The same, and whoever's id is kept for them, by the greatest cause."""
    joined = dict(causes)
    for who, cause in causes.items():
        kept = merged.kept(who)
        joined[kept] = max(joined.get(kept, cause), cause)
    return joined


def derive_all(around: Mapping[str, Surroundings]) -> tuple[dict[str, Derived], dict[str, str]]:
    """What came out, and by person why nothing did: impossible facts (an onset in the year 1) stop nobody else."""
    failed: dict[str, str] = {}
    try:
        return derive_together(around), failed
    except Exception as unexpected:
        for who, one in around.items():
            try:
                derive(one)
            except Exception as error:
                failed[who] = f"{type(error).__name__}: {error}"
                log.error("a person cannot be derived: correct the facts", person_id=who, reason=failed[who])
        if not failed:
            raise unexpected
    return derive_together({who: one for who, one in around.items() if who not in failed}), failed


def _latest(cause: Cause, old: State, neighbours: Iterable[datetime]) -> datetime:
    """The latest Event.time of what this derivation has read."""
    own = [cause.event_time] if old.event_time is None else [cause.event_time, old.event_time]
    return max((*own, *neighbours))


def _spread(causes: Mapping[str, Cause], told: Mapping[str, frozenset[str]]) -> dict[str, Cause]:
    """What changed a person's part bears on whoever reads it: over two steps, case to close to secondary contact."""
    spread = dict(causes)
    for _ in range(2):
        for by, others in told.items():
            for who in others & causes.keys():
                spread[who] = max(spread[who], spread[by])
    return spread


class Envelope(NamedTuple):
    """What the events of one person's derivation share. time: the latest Event.time that ever bore on the person."""

    division_code: str
    drill: bool
    time: datetime
    cause: Cause

    def around(self, fact: Fact) -> Event[Fact]:
        return say(
            fact,
            source="tracing",
            time=self.time,
            division=self.division_code,
            cause=self.cause.event_id,
            correlation=self.cause.correlation,
            drill=self.drill,
        )


def differences(
    derived: Derived, published: Mapping[str, Published], envelope: Envelope
) -> Iterator[tuple[Published, Event[Fact]]]:
    """What is to be said: every statement that is new or otherwise than before, and every one that no longer holds."""
    division, drill, time, _ = envelope
    stated = {fact.statement_id: as_named(fact, drill=drill) for fact in derived.statements()}
    for statement_id, fact in stated.items():
        last = published.get(statement_id)
        body = fact.model_dump_json(exclude={"revision", "withdrawn"})
        said = (False, body, division, drill)
        if last is None or (last.withdrawn, last.body, last.division_code, last.drill) != said:
            revision = last.revision + 1 if last else 1
            row = Published(statement_id, derived.person_id, fact.type, revision, *said, time)
            yield row, envelope.around(fact.model_copy(update={"revision": revision}))
    for statement_id, last in published.items():
        if statement_id not in stated and not last.withdrawn:
            row = replace(last, revision=last.revision + 1, withdrawn=True, event_time=time)
            gone = envelope._replace(division_code=last.division_code, drill=last.drill)
            yield row, gone.around(row.fact())


def to_tell(old: State, new: State) -> frozenset[str]:
    """The neighbours to be derived again: all, when what they read has changed; else those who are newly met.

    The newly met may have read the old row while the change was open beside them; nobody has read anything of a person
    who never was a case or a close contact.
    """
    if new.part != old.part:
        return new.met
    return new.met - old.met if new.told else frozenset()


def _state(old: State, derived: Derived, around: Surroundings) -> State:
    met = frozenset(exposure.other_id for exposure in around.exposures)
    return State(around.division_code, derived.part, met, old.told or derived.part != NOBODY, old.event_time)
