"""Clocks as judged, and what time alone still has to do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.events.contacts import Standing
from contracts.events.deadlines import Verdict
from services.alerts.matters import Key
from services.alerts.rules import LINES, Judgement, Opening, first_telling
from services.alerts.store.posts import Where
from services.chassis.database import Tx


@dataclass(frozen=True)
class Clock:
    """A row of `clocks`: one deadline for one matter of one person, or for one lead on that person in one division."""

    clock_id: str
    revision: int
    deadline: str
    person_id: str
    line: str
    division_code: str
    unit: str | None
    drill: bool
    verdict: Verdict
    started_at: datetime
    due_at: datetime | None
    stopped_at: datetime | None
    edition: str
    standing: Standing
    next_at: datetime | None
    tell_at: datetime | None
    told: int
    about_id: str | None = None


def clock_of(key: Key, opening: Opening, judged: Judgement, held: Clock | None) -> Clock:
    """The clock as it now stands; its telling goes on from where it was."""
    return Clock(
        key.clock_id,
        held.revision + 1 if held else 1,
        key.deadline,
        key.person_id,
        LINES[key.deadline].value,
        opening.division_code,
        opening.unit,
        opening.drill,
        judged.verdict,
        opening.started_at,
        judged.due_at,
        judged.stopped_at,
        judged.edition,
        judged.standing,
        judged.next_at,
        held.tell_at if held else first_telling(opening),
        held.told if held else -1,
        opening.about_id,
    )


async def load_clocks(tx: Tx, people: Sequence[str]) -> dict[str, Clock]:
    """The clocks of these people, by id."""
    rows = await tx.fetch("select * from clocks where person_id = any($1)", people)
    return {r["clock_id"]: _clock(r) for r in rows}


async def find_clocks(tx: Tx, verdict: str, limit: int) -> list[dict[str, Any]]:
    """Clocks of a verdict that the caller may see, those due first, as they are shown."""
    rows = await tx.fetch(
        """select clock_id, deadline, line, division_code, verdict, started_at, due_at, stopped_at, edition, standing
           from clocks where verdict = $1 order by due_at, clock_id limit $2""",
        verdict,
        limit,
    )
    return [dict(row) for row in rows]


async def save_clocks(tx: Tx, clocks: Sequence[Clock]) -> None:
    """Clocks as judged; what was told stays as it is: that column belongs to the teller."""
    rows = [tuple(getattr(clock, name) for name in _COLUMNS) for clock in clocks]
    await tx.execute(
        f"""insert into clocks ({", ".join(_COLUMNS)}) select * from unnest({_ARRAYS})
            on conflict (clock_id) do update set {", ".join(f"{c} = excluded.{c}" for c in _JUDGED)}""",  # noqa: S608
        *[[row[i] for row in rows] for i in range(len(_COLUMNS))],
    )


async def tell_anew(tx: Tx, clocks: Sequence[Clock]) -> None:
    """Clocks that had stopped and run for something new: told from the first rung on."""
    await tx.execute(
        "update clocks set told = -1, tell_at = started_at where clock_id = any($1)", [each.clock_id for each in clocks]
    )


async def find_due(tx: Tx, now: datetime, limit: int) -> list[str]:
    """People with a clock or a visit slot that time has run out on, earliest first."""
    rows = await tx.fetch(
        """select person_id from (
             (select person_id, next_at from clocks where next_at < $1 order by next_at limit $2) union all
             (select person_id, next_at from watches where next_at < $1 order by next_at limit $2)) due
           group by person_id order by min(next_at) limit $2""",
        now,
        limit,
    )
    return [r["person_id"] for r in rows]


async def claim(tx: Tx, people: Sequence[str]) -> list[str]:
    """Of these people those that nobody else holds, locked."""
    rows = await tx.fetch(
        "select person_id from people where person_id = any($1) order by person_id for update skip locked", people
    )
    return [r["person_id"] for r in rows]


async def count_due(tx: Tx, now: datetime) -> int:
    """Clocks and watches that time has run out on, claimed by somebody or not."""
    count: int = await tx.fetchval(
        """select (select count(*) from clocks where next_at < $1)
             + (select count(*) from watches where next_at < $1)""",
        now,
    )
    return count


async def count_pending(tx: Tx, now: datetime) -> int:
    """All that time has still to do by now: clocks and watches run out, clocks and missed slots to be told."""
    count: int = await tx.fetchval(
        f"""select (select count(*) from clocks where next_at < $1) + (select count(*) from watches where next_at < $1)
             + (select count(*) from clocks where {_TELLABLE}) + (select count(*) from missed where {_UNTOLD})""",  # noqa: S608
        now,
    )
    return count


async def is_anything_to_tell(tx: Tx, now: datetime) -> bool:
    """Whether a telling is owed by now."""
    owed: bool = await tx.fetchval(
        f"""select exists (select from clocks where {_TELLABLE}) or exists (select from missed where {_UNTOLD})""",  # noqa: S608
        now,
    )
    return owed


async def load_tellable(tx: Tx, now: datetime) -> list[Clock]:
    """Open clocks of which a post is to be told by now."""
    rows = await tx.fetch(
        f"select * from clocks where {_TELLABLE} order by clock_id",  # noqa: S608
        now,
    )
    return [_clock(r) for r in rows]


async def save_told(tx: Tx, told: Sequence[tuple[str, int, datetime | None]]) -> None:
    """(clock_id, highest rung told, when the next one has its turn)"""
    await tx.execute(
        """update clocks c set told = x.told, tell_at = x.tell_at
           from unnest($1::text[], $2::int[], $3::timestamptz[]) x(clock_id, told, tell_at)
           where c.clock_id = x.clock_id""",
        *[[row[i] for row in told] for i in range(3)],
    )


async def ask_again(tx: Tx, where: Sequence[Where], now: datetime) -> None:
    """Open clocks of which nobody more could be told have their turn again where there are new posts."""
    await tx.execute(
        """update clocks c set tell_at = $4::timestamptz - interval '1 microsecond' where tell_at is null
             and verdict in ('running', 'missed', 'unlimited') and stopped_at is null
             and exists (select from unnest($1::text[], $2::text[], $3::text[]) x(line, division, unit)
               where c.line = x.line and (c.unit = x.unit or starts_with(coalesce(
                 (select division_code from posts p where (p.line, p.unit) = (c.line, c.unit) limit 1),
                 c.division_code), x.division)))""",
        *[[each[i] for each in where] for i in range(3)],
        now,
    )


_TELLABLE = "tell_at < $1 and verdict in ('running', 'missed', 'unlimited') and stopped_at is null"
_UNTOLD = "not told and not withdrawn"
_TYPES = {
    "clock_id": "text",
    "revision": "int",
    "deadline": "text",
    "person_id": "text",
    "line": "text",
    "division_code": "text",
    "unit": "text",
    "drill": "bool",
    "verdict": "text",
    "started_at": "timestamptz",
    "due_at": "timestamptz",
    "stopped_at": "timestamptz",
    "edition": "text",
    "standing": "text",
    "next_at": "timestamptz",
    "tell_at": "timestamptz",
    "told": "int",
    "about_id": "text",
}
_COLUMNS = tuple(_TYPES)
_ARRAYS = ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(_TYPES.values(), 1))
_JUDGED = tuple(c for c in _COLUMNS if c not in ("clock_id", "tell_at", "told"))


def _clock(row: Any) -> Clock:
    fields = {name: row[name] for name in _COLUMNS}
    return Clock(**{**fields, "verdict": Verdict(row["verdict"]), "standing": Standing(row["standing"])})
