"""Who might be meant where no document or reference decides, and the pairs about whom people are asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from services.chassis.database import Tx


class Candidate(NamedTuple):
    """by: phone, born or dwelling; key: the keyed hash, or the dwelling's id, under which the person was found."""

    by: str
    key: bytes
    person_id: str


_CANDIDATES = """
select 'phone', phone_found_by, person_id from vault_persons
 where phone_found_by = any($1::bytea[]) and (not numbered or not $4)
union all
select 'born', born_found_by, person_id from vault_persons
 where born_found_by = any($2::bytea[]) and (not numbered or not $4)
union all
select distinct 'dwelling', convert_to(r.dwelling_id, 'UTF8'), r.person_id
  from residents r join vault_persons p using (person_id)
 where r.dwelling_id = any($3::text[]) and (not p.numbered or not $4)"""


_TURNS = """
select case when alone then pg_advisory_xact_lock(hashtext('gridward strangers'), turn)
            else pg_advisory_xact_lock_shared(hashtext('gridward strangers'), turn) end
  from (select * from unnest($1::int[], $2::bool[]) one (turn, alone) order by turn) ordered"""
_MOST_TURNS = 128
"""A batch takes so many locks at most, of the some 6,000 that PostgreSQL has for all transactions."""


async def take_turns(tx: Tx, unnumbered: Collection[bytes], numbered: Collection[bytes]) -> None:
    """Until the end no other transaction compares who has one of these keys, unless both have numbers: whoever was
    quicker has committed, and is found.
    """
    alone = dict.fromkeys((crc32(key) % _MOST_TURNS for key in numbered), False)
    alone |= dict.fromkeys((crc32(key) % _MOST_TURNS for key in unnumbered), True)
    if alone:
        await tx.execute(_TURNS, list(alone), list(alone.values()))


async def find_candidates(
    tx: Tx, phones: Sequence[bytes], born: Sequence[bytes], dwellings: Sequence[str], *, unnumbered: bool
) -> list[Candidate]:
    """Everybody with one of these. unnumbered: only those of whom no identification number is known."""
    return [Candidate(*row) for row in await tx.fetch(_CANDIDATES, phones, born, dwellings, unnumbered)]


async def is_anybody_unnumbered(tx: Tx) -> bool:
    """Of the many who come with a number nobody need be looked for while all who are known have one."""
    return bool(await tx.fetchval("select exists (select from vault_persons where not numbered)"))


class Review(NamedTuple):
    """Two who may be one person. score: 0-100; evidence: the rule's words; no identity."""

    review_id: str
    person_id: str
    other_id: str
    division_code: str
    other_division_code: str
    score: int
    evidence: Sequence[str]
    found_at: datetime
    decided: str | None = None


_COLUMNS = ", ".join(Review._fields)


async def save_reviews(tx: Tx, reviews: Sequence[Review]) -> None:
    """A pair is asked about once."""
    await tx.executemany(
        f"insert into reviews ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",  # noqa: S608
        reviews,
    )


async def open_reviews(tx: Tx, division: str, after: str, limit: int) -> list[Review]:
    """Those nobody has decided, of whom both live in the division, in order of their ids."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from reviews where decided is null and review_id > $2"  # noqa: S608
        " and starts_with(division_code, $1) and starts_with(other_division_code, $1) order by review_id limit $3",
        division,
        after,
        limit,
    )
    return [Review(*row) for row in rows]


async def load_review(tx: Tx, review_id: str, *, lock: bool = False) -> Review | None:
    end = " for update" if lock else ""
    row = await tx.fetchrow(f"select {_COLUMNS} from reviews where review_id = $1{end}", review_id)  # noqa: S608
    return Review(*row) if row else None


async def decide(tx: Tx, review_id: str, decided: str | None) -> Any:
    return await tx.execute("update reviews set decided = $2 where review_id = $1", review_id, decided)
