"""What is erased of whom, and what may be: SQL of `gridward forget`. Ties live in tables of the session.

Who is one person with somebody of whom a newer record speaks, or who is needed, is that somebody, and is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis.database import Tx
from services.chassis.merges import one_person
from services.intake.store import roster

_AT_ONCE = 2000
_PREPARE = """
create temp table ties (owner_id text not null, found_by bytea not null, received_at timestamptz not null);
create temp table needed (owner_id text primary key);
create temp table kept (person_id text primary key);
create temp table due (person_id text primary key, division_code text not null)"""
_KEPT = f"""
insert into kept
with recursive last as (
    select p.person_id, greatest(max(t.received_at), p.last_at) last_at
      from vault_persons p left join ties t on t.owner_id = p.person_id group by 1),
{one_person("select person_id from last where last_at >= $1 union select owner_id from needed")}
select id from one_person"""  # noqa: S608
"""Of whom a record speaks that is new enough, or who is needed, under every id of theirs."""
_DUE = """
insert into due select person_id, division_code from vault_persons p
 where starts_with(division_code, $1) and not exists (select from kept k where k.person_id = p.person_id)"""
_SHOW = "select left(division_code, 6), count(*) from due group by 1 order by 1"
_TAKE = "delete from due where person_id in (select person_id from due order by person_id limit $1) returning person_id"
_OTHERS = """
update vault_persons p set last_at = greatest(p.last_at, t.received_at)
  from (select o.owner_id, max(o.received_at) received_at from ties t join ties o using (found_by)
         where t.owner_id = any($1) group by 1) t
 where p.person_id = t.owner_id and p.person_id <> all($1)"""
_TIED = """
select distinct record_id from records join ties using (found_by) where owner_id = any($1) and record_id is not null"""
_EMPTY = """
update records set record_id = null, content_hash = null, earlier = '{}', said = null, received_at = null,
       division_code = '', named_besides = '{}'
 where found_by in (select found_by from ties where owner_id = any($1)) and record_id is not null"""
_DWELLINGS = """
select d.dwelling_id from vault_dwellings d
 where starts_with(d.division_code, $1) and d.dwelling_id > $3
   and exists (select from ties t where t.owner_id = d.dwelling_id)
   and not exists (select from residents r where r.dwelling_id = d.dwelling_id)
   and not exists (
       select from ties t join records r using (found_by)
        where t.owner_id = d.dwelling_id and r.record_id is not null
          and (r.received_at >= $2 or exists (
              select from ties o join vault_persons p on p.person_id = o.owner_id where o.found_by = t.found_by)))
 order by 1 limit $4"""
_OWNED = (("vault_keys", "owner_id"), ("vault_accesses", "person_id"))
"""Tables whose rows belong to a person or a dwelling of the vault."""
_VACUUMED = (
    *("records", "vault_persons", "vault_dwellings", "vault_rejects", "vault_salts", "vault_keys", "vault_words"),
    *("vault_decisions", "vault_accesses", "corrections", "doubts", "reviews", "presences", "leads", "needs"),
)


class Told(NamedTuple):
    """What a record says, packed, and what it said before of whom."""

    found_by: bytes
    received_at: datetime
    said: bytes
    named_besides: Sequence[str]


async def prepare(db: Tx) -> None:
    await db.execute(_PREPARE)


async def read_records(db: Tx, since: datetime | None = None) -> AsyncIterator[list[Told]]:
    """All that is not emptied, or what came since; inside a transaction."""
    cursor = await db.cursor(
        "select found_by, received_at, said, named_besides from records"
        " where record_id is not null and ($1::timestamptz is null or received_at >= $1)",
        since,
    )
    while rows := await cursor.fetch(_AT_ONCE):
        yield [Told(*row) for row in rows]


async def tie(db: Tx, ties: Sequence[tuple[str, bytes, datetime]]) -> None:
    await db.copy_records_to_table("ties", records=ties)


async def need(db: Tx, owners: Iterable[str]) -> None:
    """These are not erased now."""
    await db.execute("insert into needed select unnest($1::text[]) on conflict do nothing", list(owners))


async def find_due(db: Tx, division: str, cutoff: datetime) -> dict[str, int]:
    """People whose last record is older than the cutoff, by county."""
    await db.execute("create index on ties (owner_id); create index on ties (found_by); analyze ties")
    await db.execute(_KEPT, cutoff)
    await db.execute("analyze kept")
    await db.execute(_DUE, division)
    return {row[0]: row[1] for row in await db.fetch(_SHOW)}


async def take_due(db: Tx, limit: int) -> list[str]:
    """The next of them."""
    return [row[0] for row in await db.fetch(_TAKE, limit)]


async def erase(db: Tx, owners: Collection[str], found_by: Collection[bytes]) -> None:
    """Persons or dwellings, all by which they are found, and what is left of each record that named one of them."""
    ids = sorted(owners)
    await db.execute(_OTHERS, ids)
    emptied = [row[0] for row in await db.fetch(_TIED, ids)]
    await db.execute(_EMPTY, ids)
    await roster.let_go(db, ids, emptied)
    await db.execute("delete from corrections where record_id = any($1::text[])", emptied)
    await db.execute("delete from doubts where record_id = any($1::text[]) or about_id = any($2::text[])", emptied, ids)
    await db.execute(
        "delete from vault_keys where found_by = any($1::bytea[]) and owner_id = any($2::text[])", list(found_by), ids
    )
    await db.execute("delete from vault_words where owner_id = any($1::text[])", ids)
    await db.execute("delete from vault_accesses where person_id = any($1::text[])", ids)
    for table in ("merges", "vault_decisions", "reviews"):
        await db.execute(f"delete from {table} where person_id = any($1) or other_id = any($1)", ids)  # noqa: S608
    await db.execute("delete from vault_persons where person_id = any($1::text[])", ids)
    await db.execute("delete from vault_dwellings where dwelling_id = any($1::text[])", ids)


async def due_dwellings(db: Tx, division: str, cutoff: datetime, after: str, limit: int) -> list[str]:
    """Those where nobody who is kept lives, and of which no record is left that is newer or names such a person."""
    return [row[0] for row in await db.fetch(_DWELLINGS, division, cutoff, after, limit)]


async def erase_rejects(db: Tx, before: datetime) -> int:
    """Rejected rows that nobody has mended in all that time."""
    return int((await db.execute("delete from vault_rejects where rejected_at < $1", before)).split()[-1])


async def sweep(db: Tx) -> None:
    """What belongs to nobody any more, as hashes under a key that is long out of use."""
    for table, owner in _OWNED:
        await db.execute(
            f"delete from {table} o where not exists (select from vault_persons where person_id = o.{owner})"  # noqa: S608
            f" and not exists (select from vault_dwellings where dwelling_id = o.{owner})"
        )


async def note(db: Tx, **row: Any) -> None:
    """Into the record of what was erased."""
    names = ("forgotten_at", "done_by", "reason", "days", "days_from", "division_code", "persons")
    await db.execute(
        f"insert into forgettings ({', '.join(names)}) values ($1, $2, $3, $4, $5, $6, $7)",  # noqa: S608
        *(row[name] for name in names),
    )


async def clean(db: Tx) -> None:
    """Takes the erased rows out of the tables' pages too; outside a transaction."""
    await db.execute(f"vacuum {', '.join(_VACUUMED)}")
