"""What was derived of each person: one row, under whose lock alone a person is derived."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from contracts.events.quarantine import Care, EpisodeChanged
from contracts.exercise import MARK, named_id
from services.chassis.database import Tx
from services.tracing.rules.surroundings import NOBODY, Neighbour


def _in_parts(kept: Any) -> Any:
    """As it is kept now: there was one close part once, not one for each matter."""
    if isinstance(kept, dict) and not isinstance(kept["close"], list | tuple):
        without = {case_id: [part] if part else [] for case_id, part in kept["close_without"].items()}
        return {**kept, "close": [kept["close"]] if kept["close"] else [], "close_without": without}
    return kept


PART: TypeAdapter[Neighbour] = TypeAdapter(Annotated[Neighbour, BeforeValidator(_in_parts)])


@dataclass(frozen=True, slots=True)
class State:
    """part: what others read. met: the persons met when it was written; told: it was once not empty.

    event_time: the latest Event.time that ever bore on this person; None before the first derivation.
    """

    division_code: str
    part: Neighbour
    met: frozenset[str]
    told: bool
    event_time: datetime | None


async def lock_states(tx: Tx, person_ids: Sequence[str]) -> dict[str, State]:
    """Locks each person's row until the transaction's end, made where missing; person_ids must be sorted.

    A statement of its own: whoever waited here reads everything else in a later one, and so as of after the wait.
    """
    await tx.execute(
        "insert into states (person_id) select * from unnest($1::text[]) order by 1 on conflict do nothing", person_ids
    )
    rows = await tx.fetch(
        "select person_id, division_code, part, met, told, event_time from states where person_id = any($1)"
        " order by person_id for update",
        person_ids,
    )
    return {
        person_id: State(code, PART.validate_json(part) if part else NOBODY, frozenset(met), told, event_time)
        for person_id, code, part, met, told, event_time in rows
    }


async def load_neighbours(tx: Tx, person_ids: Sequence[str]) -> tuple[dict[str, Neighbour], dict[str, datetime]]:
    """Those of them who are a case or a close contact, as last committed, and the latest Event.time of each."""
    rows = await tx.fetch(
        "select person_id, part, event_time from states where person_id = any($1) and part is not null", person_ids
    )
    parts = {person_id: PART.validate_json(part) for person_id, part, _ in rows}
    return parts, {person_id: event_time for person_id, _, event_time in rows}


async def save_states(tx: Tx, states: Sequence[tuple[str, State, EpisodeChanged | None]]) -> None:
    """Writes the rows of persons who are locked."""
    await tx.executemany(
        "update states set category = $2, classification = $3, care = $4, part = $5, met = $6, told = $7,"
        " event_time = $8, division_code = $9 where person_id = $1",
        [
            (
                person_id,
                episode.category if episode else None,
                episode.classification if episode else None,
                episode.care if episode else Care.NONE,
                PART.dump_json(state.part).decode() if state.part != NOBODY else None,
                sorted(state.met),
                state.told,
                state.event_time,
                state.division_code,
            )
            for person_id, state, episode in states
        ],
    )


async def save_stuck(tx: Tx, derived: Iterable[str], failed: Mapping[str, str]) -> None:
    """Who cannot be derived, and why, until it succeeds; what was last derived of them stands."""
    await tx.execute("delete from stuck where person_id = any($1)", [*derived])
    if failed:
        await tx.execute(
            "insert into stuck (person_id, reason) select * from unnest($1::text[], $2::text[])"
            " on conflict (person_id) do update set reason = excluded.reason",
            [*failed],
            [*failed.values()],
        )


async def stream_states(tx: Tx, *, drill: bool) -> AsyncIterator[dict[str, Any]]:
    """Every person with a state, in earnest or in an exercise, that the caller may see, by id; needs a transaction."""
    rows = tx.cursor(
        "select person_id, category, classification, care, division_code from states"
        " where (category is not null or classification is not null or care <> 'none')"
        " and starts_with(person_id, $1) = $2 order by person_id",
        MARK,
        drill,
    )
    async for row in rows:
        yield {**row, "person_id": named_id(row["person_id"], drill=drill)}
