"""What was derived of each person: one row, under whose lock alone a person is derived."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.events.quarantine import EpisodeChanged
from services.chassis.database import Tx
from services.tracing.rules.surroundings import CasePart, ClosePart, Neighbour

_CASE = "case_reference_at, case_isolated_at, case_known_at"
_CLOSE = "close_first_at, close_until_at, close_found_at, close_first_tests_negative"
_PARTS = f"{_CASE}, {_CLOSE}"


@dataclass(frozen=True, slots=True)
class State:
    """part: what others read. met: the persons met when it was written; told: it was once not empty.

    event_time: the latest Event.time that ever bore on this person; None before the first derivation.
    """

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
        f"select person_id, {_PARTS}, met, told, event_time from states"  # noqa: S608
        " where person_id = any($1) order by person_id for update",
        person_ids,
    )
    return {
        row["person_id"]: State(_part(row), frozenset(row["met"]), row["told"], row["event_time"]) for row in rows
    }


async def load_neighbours(tx: Tx, person_ids: Sequence[str]) -> dict[str, Neighbour]:
    """Those of them who are a case or a close contact, as last committed."""
    rows = await tx.fetch(
        f"select person_id, {_PARTS} from states where person_id = any($1)"  # noqa: S608
        " and (case_reference_at is not null or close_first_at is not null)",
        person_ids,
    )
    return {row["person_id"]: _part(row) for row in rows}


def _part(row: Any) -> Neighbour:
    case = close = None
    if row["case_reference_at"] is not None:
        case = CasePart(row["case_reference_at"], row["case_isolated_at"], row["case_known_at"])
    if row["close_first_at"] is not None:
        close = ClosePart(
            row["close_first_at"], row["close_until_at"], row["close_found_at"], row["close_first_tests_negative"]
        )
    return Neighbour(case, close)


async def save_states(tx: Tx, states: Sequence[tuple[str, State, EpisodeChanged | None]]) -> None:
    """Writes the rows of persons who are locked."""
    rows = [_row(*state) for state in states]
    if not rows:
        return
    await tx.executemany(
        "update states set category = $2, classification = $3, care = $4, care_since_at = $5,"
        " case_reference_at = $6, case_isolated_at = $7, case_known_at = $8, close_first_at = $9, close_until_at = $10,"
        " close_found_at = $11, close_first_tests_negative = $12, met = $13, told = $14, event_time = $15"
        " where person_id = $1",
        rows,
    )


def _row(person_id: str, state: State, episode: EpisodeChanged | None) -> tuple[Any, ...]:
    case, close = state.part.case, state.part.close
    return (
        person_id,
        *((episode.category, episode.classification, episode.care, episode.care_since_at) if episode else
          (None, None, "none", None)),
        *((case.reference_at, case.isolated_at, case.known_at) if case else (None,) * 3),
        *((close.first_at, close.until_at, close.found_at, close.first_tests_negative) if close else (None,) * 4),
        sorted(state.met),
        state.told,
        state.event_time,
    )


async def stream_states(tx: Tx, division_code: str) -> AsyncIterator[dict[str, Any]]:
    """Every person with a state, in the division and below it, in order of their ids; needs an open transaction."""
    rows = tx.cursor(
        "select person_id, category, classification, care, division_code from states join persons using (person_id)"
        " where starts_with(division_code, $1)"
        " and (category is not null or classification is not null or care <> 'none') order by person_id",
        division_code,
    )
    async for row in rows:
        yield dict(row)
