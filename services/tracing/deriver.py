"""The deriver: what facts made stale is derived again, in a transaction later than the one that committed them.

Two facts that arrive side by side cannot miss each other: each names both persons, so whichever commits last is
followed by a derivation that sees both. What one person's derivation reads of another is a row of `states`; whoever
changes that row, or meets somebody not met when it was written, names the neighbour in his own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from contracts.envelope import Event, Fact, say
from contracts.events.quarantine import EpisodeChanged
from services.chassis.database import Tx
from services.chassis.service import Worked
from services.tracing.rules.derivation import Derived, derive
from services.tracing.rules.surroundings import Neighbour, Surroundings
from services.tracing.store.published import Published, load_published, save_published
from services.tracing.store.stale import (
    DIVISION,
    PERSON,
    TUBE,
    Cause,
    Named,
    append_stale,
    members_of_positive_tubes,
    persons_below,
    take_stale,
)
from services.tracing.store.states import State, lock_states, save_states
from services.tracing.store.surroundings import load_surroundings

TURN_ROWS = 500
"""Rows of `stale` in one transaction: a few hundred persons, well under a second."""


async def derive_stale(tx: Tx, now: datetime) -> Worked:
    """One turn: the first stale persons, each under the lock of his row. Says differences only; `now` plays no part."""
    del now
    taken = await take_stale(tx, TURN_ROWS)
    persons = {key: cause for (kind, key), cause in taken.items() if kind == PERSON}
    tubes = {key: cause for (kind, key), cause in taken.items() if kind == TUBE}
    if tubes:
        await append_stale(tx, await members_of_positive_tubes(tx, tubes))
    for (kind, key), cause in taken.items():
        if kind == DIVISION:
            await append_stale(tx, await persons_below(tx, key, cause))
    return Worked(await derive_persons(tx, persons) if persons else (), more=bool(taken))


async def derive_persons(tx: Tx, causes: Mapping[str, Cause]) -> list[Event[Fact]]:
    """Derives these persons and names their neighbours; returns what changed, in order of the persons' ids."""
    person_ids = sorted(causes)
    before = await lock_states(tx, person_ids)
    surroundings = await load_surroundings(tx, person_ids)
    published = await load_published(tx, person_ids)
    said: list[Published] = []
    events: list[Event[Fact]] = []
    states: list[tuple[str, State, EpisodeChanged | None]] = []
    neighbours: set[Named] = set()
    for person_id in person_ids:
        around, drill = surroundings[person_id]
        derived, cause, old = derive(around), causes[person_id], before[person_id]
        time = max(cause.event_time, old.event_time or cause.event_time)
        new = _state(old, derived, around, time)
        changes = list(differences(derived, published.get(person_id, {}), around, drill=drill, time=time))
        said += changes
        events += [_event(row, cause) for row in changes]
        if new != old or changes:
            states.append((person_id, new, derived.episode))
        neighbours |= {Named(PERSON, other, cause._replace(event_time=time)) for other in to_tell(old, new)}
    await save_published(tx, said)
    await save_states(tx, states)
    await append_stale(tx, neighbours)
    return events


def differences(
    derived: Derived, published: Mapping[str, Published], around: Surroundings, *, drill: bool, time: datetime
) -> Iterator[Published]:
    """What is to be said: every statement that is new or otherwise than before, and every one that no longer holds."""
    stated = {fact.statement_id: fact for fact in derived.statements()}
    for statement_id, fact in stated.items():
        last = published.get(statement_id)
        body = fact.model_dump_json(exclude={"revision", "withdrawn"})
        if last and (last.body, last.division_code, last.drill, last.withdrawn) == (
            body,
            around.division_code,
            drill,
            False,
        ):
            continue
        revision = last.revision + 1 if last else 1
        yield Published(
            statement_id, around.person_id, fact.type, revision, False, body, around.division_code, drill, time
        )
    for statement_id, last in published.items():
        if statement_id not in stated and not last.withdrawn:
            yield replace(last, revision=last.revision + 1, withdrawn=True, event_time=time)


def to_tell(old: State, new: State) -> frozenset[str]:
    """The neighbours to be derived again: all, when what they read has changed; else those who are newly met.

    The newly met may have read the old row while the change was open beside them; nobody has read anything of a person
    who never was a case or a close contact.
    """
    if new.part != old.part:
        return new.met
    return new.met - old.met if new.told else frozenset()


def _state(old: State, derived: Derived, around: Surroundings, time: datetime) -> State:
    met = frozenset(exposure.other_id for exposure in around.exposures)
    return State(around.division_code, derived.part, met, old.told or derived.part != Neighbour(), time)


def _event(row: Published, cause: Cause) -> Event[Fact]:
    return say(
        row.fact(),
        source="tracing",
        time=row.event_time,
        division=row.division_code,
        cause=cause.event_id,
        correlation=cause.correlation,
        drill=row.drill,
    )
