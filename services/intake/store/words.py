"""Under which few bits people and dwellings are searched. A row says little of anybody: many share its bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from services.chassis.database import Tx

_FIND = """
select distinct owner_id from vault_words
 where bucket = any($1::int[]) and county >= $2 and county <= $3 order by owner_id limit $4"""


async def save(tx: Tx, buckets: Mapping[str, tuple[str, Collection[int]]]) -> None:
    """In the place of those before. buckets: owner -> the county (6 characters), and the buckets of its words."""
    rows = _rows(buckets)
    columns = [[row[column] for row in rows] for column in range(3)]
    await tx.execute(
        """delete from vault_words w where owner_id = any($4::text[]) and not exists (
               select from unnest($1::int[], $2::text[], $3::text[]) x(bucket, county, owner_id)
                where (x.bucket, x.county, x.owner_id) = (w.bucket, w.county, w.owner_id))""",
        *columns,
        list(buckets),
    )
    await tx.execute(
        """insert into vault_words (bucket, county, owner_id)
           select * from unnest($1::int[], $2::text[], $3::text[]) on conflict do nothing""",
        *columns,
    )


async def add(tx: Tx, buckets: Mapping[str, tuple[str, Collection[int]]]) -> None:
    """The same of owners who have none yet."""
    await tx.copy_records_to_table("vault_words", columns=("bucket", "county", "owner_id"), records=_rows(buckets))


def _rows(buckets: Mapping[str, tuple[str, Collection[int]]]) -> list[tuple[int, str, str]]:
    return sorted((bucket, county, owner) for owner, (county, its) in buckets.items() for bucket in its)


async def find(tx: Tx, buckets: Collection[int], division: str, limit: int) -> list[str]:
    """Persons and dwellings with any of the buckets, in the counties of a division or above one."""
    lowest = division[:6]
    highest = lowest if len(lowest) == 6 else f"{lowest}~"
    return [row[0] for row in await tx.fetch(_FIND, list(buckets), lowest, highest, limit)]


async def residents_of(tx: Tx, dwelling_ids: Collection[str]) -> dict[str, list[str]]:
    """Dwelling -> who lives there, as far as the caller may see."""
    rows = await tx.fetch(
        "select distinct dwelling_id, person_id from residents where dwelling_id = any($1::text[]) order by 1, 2",
        list(dwelling_ids),
    )
    living = defaultdict[str, list[str]](list)
    for dwelling_id, person_id in rows:
        living[dwelling_id].append(person_id)
    return living
