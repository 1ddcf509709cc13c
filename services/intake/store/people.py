"""The vault's tables: keys, persons, dwellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.chassis.database import Tx
from services.intake.store import words
from services.intake.vault import Find


class PersonRow(NamedTuple):
    """A person as the vault keeps one; what identifies is inside `sealed`."""

    person_id: str
    division_code: str
    phone_found_by: bytes | None
    phone_key_version: int | None
    sealed: bytes
    born_found_by: bytes | None = None
    numbered: bool = True
    buckets: tuple[int, ...] = ()  # written, not read: where the person is searched


class DwellingRow(NamedTuple):
    dwelling_id: str
    division_code: str
    sealed: bytes
    buckets: tuple[int, ...] = ()


_PERSONS = """
select person_id, division_code, phone_found_by, phone_key_version, sealed, born_found_by, numbered
  from vault_persons
 where person_id = any($1::text[]) order by person_id"""
_LOCK_PERSONS = _PERSONS + " for update"
_DWELLINGS = """
select dwelling_id, division_code, sealed from vault_dwellings
 where dwelling_id = any($1::text[]) order by dwelling_id"""
_LOCK_DWELLINGS = _DWELLINGS + " for update"


async def find_owners(tx: Tx, hashes: Iterable[bytes]) -> dict[bytes, str]:
    """Those of the keyed hashes that are known -> the id each means."""
    rows = await tx.fetch("select found_by, owner_id from vault_keys where found_by = any($1::bytea[])", list(hashes))
    return {row[0]: row[1] for row in rows}


async def insert_keys(tx: Tx, fresh: Mapping[Find, str]) -> bool:
    """Whether all were new; if not, another transaction has committed some: roll back to before, and look again."""
    rows = sorted((find.found_by, owner, find.key_version) for find, owner in fresh.items())
    inserted: int = await tx.fetchval(
        """with new as (
               insert into vault_keys (found_by, owner_id, key_version)
               select * from unnest($1::bytea[], $2::text[], $3::smallint[]) order by 1
               on conflict do nothing returning 1)
           select count(*) from new""",
        *([row[column] for row in rows] for column in range(3)),
    )
    return inserted == len(rows)


async def load_persons(tx: Tx, person_ids: Iterable[str], *, lock: bool = False) -> dict[str, PersonRow]:
    """Those that are kept."""
    rows = await tx.fetch(_LOCK_PERSONS if lock else _PERSONS, sorted(person_ids))
    return {row[0]: PersonRow(*row) for row in rows}


async def add_persons(tx: Tx, persons: Iterable[PersonRow]) -> None:
    """Persons who are new. Raises asyncpg.UniqueViolationError: another transaction has just added one of them."""
    rows = sorted(persons)
    if rows:
        kept = [row[:-1] for row in rows]
        await tx.copy_records_to_table("vault_persons", columns=PersonRow._fields[:-1], records=kept)
        await words.add(tx, {row.person_id: (row.division_code[:6], row.buckets) for row in rows})


async def save_persons(tx: Tx, persons: Iterable[PersonRow]) -> None:
    """Persons over what was kept of them."""
    rows = sorted(persons)
    if rows:
        await tx.execute(
            """insert into vault_persons (person_id, division_code, phone_found_by, phone_key_version, sealed,
                  born_found_by, numbered)
               select * from unnest($1::text[], $2::text[], $3::bytea[], $4::smallint[], $5::bytea[], $6::bytea[],
                  $7::bool[]) order by 1
               on conflict (person_id) do update set division_code = excluded.division_code, sealed = excluded.sealed,
                  phone_found_by = excluded.phone_found_by, phone_key_version = excluded.phone_key_version,
                  born_found_by = excluded.born_found_by, numbered = excluded.numbered""",
            *([row[column] for row in rows] for column in range(7)),
        )
        await words.save(tx, {row.person_id: (row.division_code[:6], row.buckets) for row in rows})


async def load_dwellings(tx: Tx, dwelling_ids: Iterable[str], *, lock: bool = False) -> dict[str, DwellingRow]:
    """Those that are kept."""
    rows = await tx.fetch(_LOCK_DWELLINGS if lock else _DWELLINGS, sorted(dwelling_ids))
    return {row[0]: DwellingRow(*row) for row in rows}


async def known_of(tx: Tx, owners: Sequence[str]) -> list[str]:
    """Those of the ids that are a person's or a dwelling's."""
    rows = await tx.fetch(
        "select person_id from vault_persons where person_id = any($1::text[])"
        " union all select dwelling_id from vault_dwellings where dwelling_id = any($1::text[])",
        owners,
    )
    return [row[0] for row in rows]


async def add_dwellings(tx: Tx, dwellings: Iterable[DwellingRow]) -> None:
    """As `add_persons`."""
    rows = sorted(dwellings)
    if rows:
        kept = [row[:-1] for row in rows]
        await tx.copy_records_to_table("vault_dwellings", columns=DwellingRow._fields[:-1], records=kept)
        await words.add(tx, {row.dwelling_id: (row.division_code[:6], row.buckets) for row in rows})


async def save_dwellings(tx: Tx, dwellings: Iterable[DwellingRow]) -> None:
    """Dwellings over what was kept of them."""
    rows = sorted(dwellings)
    if rows:
        await tx.execute(
            """insert into vault_dwellings (dwelling_id, division_code, sealed)
               select * from unnest($1::text[], $2::text[], $3::bytea[]) order by 1
               on conflict (dwelling_id) do update
                  set division_code = excluded.division_code, sealed = excluded.sealed""",
            *([row[column] for row in rows] for column in range(3)),
        )
        await words.save(tx, {row.dwelling_id: (row.division_code[:6], row.buckets) for row in rows})


async def persons_by_phone(tx: Tx, hashes: Sequence[bytes]) -> list[tuple[bytes, str]]:
    """(keyed hash, person_id) of everybody with one of the telephones."""
    rows = await tx.fetch(
        "select phone_found_by, person_id from vault_persons"
        " where phone_found_by = any($1::bytea[]) order by person_id",
        list(hashes),
    )
    return [(row[0], row[1]) for row in rows]


async def persons_after(tx: Tx, after: str, limit: int) -> list[PersonRow]:
    """In the order of their ids."""
    rows = await tx.fetch(
        "select person_id, division_code, phone_found_by, phone_key_version, sealed, born_found_by, numbered"
        " from vault_persons where person_id > $1 order by person_id limit $2",
        after,
        limit,
    )
    return [PersonRow(*row) for row in rows]


async def dwellings_after(tx: Tx, after: str, limit: int) -> list[DwellingRow]:
    """In the order of their ids."""
    rows = await tx.fetch(
        "select dwelling_id, division_code, sealed from vault_dwellings"
        " where dwelling_id > $1 order by dwelling_id limit $2",
        after,
        limit,
    )
    return [DwellingRow(*row) for row in rows]


async def drop_old_keys(tx: Tx, key_version: int, after: bytes, limit: int) -> list[bytes]:
    """Goes over keyed hashes in their order and drops those of older keys; which it went over."""
    rows = await tx.fetch(
        "select found_by, key_version from vault_keys where found_by > $1 order by found_by limit $2", after, limit
    )
    old = [row[0] for row in rows if 0 < row[1] < key_version]
    await tx.execute("delete from vault_keys where found_by = any($1::bytea[])", old)
    return [row[0] for row in rows]


async def add_keys(tx: Tx, finds: Mapping[Find, str]) -> None:
    """Further keyed hashes of owners who are known."""
    rows = sorted((find.found_by, owner, find.key_version) for find, owner in finds.items())
    await tx.execute(
        """insert into vault_keys (found_by, owner_id, key_version)
           select * from unnest($1::bytea[], $2::text[], $3::smallint[]) order by 1 on conflict do nothing""",
        *([row[column] for row in rows] for column in range(3)),
    )


async def find_pepper(tx: Tx) -> bytes | None:
    """The database's sealed pepper, if there is one yet."""
    sealed: bytes | None = await tx.fetchval("select sealed from vault_pepper")
    return sealed


async def keep_pepper(tx: Tx, sealed_if_none: bytes) -> bytes:
    """The sealed pepper, locked: the one there is, else the one given."""
    await tx.execute("insert into vault_pepper (sealed) values ($1) on conflict do nothing", sealed_if_none)
    sealed: bytes = await tx.fetchval("select sealed from vault_pepper for update")
    return sealed


async def seal_pepper_anew(tx: Tx, sealed: bytes) -> None:
    """The same pepper under another key."""
    await tx.execute("update vault_pepper set sealed = $1", sealed)
