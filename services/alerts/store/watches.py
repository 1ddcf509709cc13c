"""Visit slots owed and missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.chassis.database import Tx


@dataclass(frozen=True)
class Watch:
    """A row of `watches`: checks owed for one placement; judged_until is a slot's end or the start of care."""

    placement_id: str
    person_id: str
    division_code: str
    from_at: datetime
    until_at: datetime
    checks_per_day: int
    withdrawn: bool
    drill: bool
    judged_until: datetime


@dataclass(frozen=True)
class Missed:
    """A row of `missed`: one slot without a check."""

    placement_id: str
    slot_end_at: datetime
    slot_start_at: datetime
    person_id: str
    division_code: str
    revision: int
    withdrawn: bool
    drill: bool


async def load_watches(tx: Tx, people: Sequence[str], due_before: datetime | None = None) -> list[Watch]:
    """The watches of these people; with due_before only those on which a slot has ended since."""
    rows = await tx.fetch(
        """select placement_id, person_id, division_code, from_at, until_at, checks_per_day, withdrawn, drill,
             judged_until from watches where person_id = any($1) and ($2::timestamptz is null or next_at < $2)
           order by placement_id""",
        people,
        due_before,
    )
    return [Watch(**r) for r in rows]


async def find_checked_late(tx: Tx, checked: Sequence[tuple[str, datetime]]) -> list[str]:
    """People with a check (who, when) in a slot that has been judged already."""
    rows = await tx.fetch(
        """select distinct w.person_id from watches w
             join unnest($1::text[], $2::timestamptz[]) x(person_id, visited_at)
             on w.person_id = x.person_id and x.visited_at < w.judged_until and x.visited_at >= w.from_at""",
        [who for who, _ in checked],
        [at for _, at in checked],
    )
    return [r["person_id"] for r in rows]


async def save_judged(tx: Tx, judged: Sequence[tuple[str, str, datetime, datetime | None]]) -> None:
    """(placement_id, person_id, judged until, end of the next slot)"""
    await tx.execute(
        """update watches w set judged_until = x.judged, next_at = x.next
           from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
             x(placement_id, person_id, judged, next)
           where (w.placement_id, w.person_id) = (x.placement_id, x.person_id)""",
        *[[row[i] for row in judged] for i in range(4)],
    )


async def load_missed(tx: Tx, placements: Sequence[str]) -> list[Missed]:
    """The missed slots of placements, those taken back included."""
    rows = await tx.fetch(
        """select placement_id, slot_end_at, slot_start_at, person_id, division_code, revision, withdrawn, drill
           from missed where placement_id = any($1) order by placement_id, slot_end_at""",
        placements,
    )
    return [Missed(**r) for r in rows]


async def save_missed(tx: Tx, missed: Sequence[Missed]) -> None:
    """Missed slots, new ones and ones taken back; what was told of a slot under another id of the person stays told."""
    await tx.execute(
        """insert into missed select x.*, exists (select from missed m
               where (m.placement_id, m.slot_end_at) = (x.placement_id, x.slot_end_at) and m.told and not m.nobody)
             from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[],
               $5::text[], $6::int[], $7::bool[], $8::bool[]) x(placement_id, slot_end_at, slot_start_at, person_id,
               division_code, revision, withdrawn, drill)
           on conflict (placement_id, person_id, slot_end_at) do update set revision = excluded.revision,
             withdrawn = excluded.withdrawn, division_code = excluded.division_code""",
        *[[getattr(each, name) for each in missed] for name in Missed.__dataclass_fields__],
    )


async def find_untold(tx: Tx) -> list[Missed]:
    """Missed slots of which nobody was told yet."""
    rows = await tx.fetch(
        """select placement_id, slot_end_at, slot_start_at, person_id, division_code, revision, withdrawn, drill
           from missed where not told and not withdrawn order by placement_id, slot_end_at"""
    )
    return [Missed(**r) for r in rows]


async def save_told_missed(tx: Tx, missed: Sequence[tuple[Missed, bool]]) -> None:
    """These had their turn. With each: whether there was nobody to be told."""
    await tx.execute(
        """update missed m set told = true, nobody = x.nobody
           from unnest($1::text[], $2::timestamptz[], $3::bool[]) x(placement_id, slot_end_at, nobody)
           where (m.placement_id, m.slot_end_at) = (x.placement_id, x.slot_end_at)""",
        [each.placement_id for each, _ in missed],
        [each.slot_end_at for each, _ in missed],
        [nobody for _, nobody in missed],
    )


async def ask_again(tx: Tx, divisions: Sequence[str]) -> None:
    """Missed slots of which there was nobody to be told have their turn again where there are new posts."""
    await tx.execute(
        """update missed m set told = false, nobody = false from unnest($1::text[]) x(division)
           where m.nobody and starts_with(m.division_code, x.division)""",
        divisions,
    )
