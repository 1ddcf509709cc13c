"""Records known, and the grids in which they may be recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.chassis.database import Tx
from services.intake.rules.recognise import Known
from services.intake.rules.revisions import Revision


class Kept(NamedTuple):
    """A record as it is now to be kept."""

    found_by: bytes
    record_id: str
    feed: str
    revision: int
    division_code: str
    content_hash: bytes
    said: bytes
    named_besides: Sequence[str] = ()
    revised_at: datetime | None = None
    version: int | None = None


_BESIDE_OTHERS = "select pg_advisory_xact_lock_shared(hashtext('gridward intake admission'))"
_ALONE = "select pg_advisory_xact_lock(hashtext('gridward intake admission'))"


async def take_turn(tx: Tx, *, alone: bool) -> None:
    """Beside the other admissions; or alone, after those under way and before those that come."""
    await tx.execute(_ALONE if alone else _BESIDE_OTHERS)


async def lock_known(tx: Tx, found_by: Iterable[bytes]) -> dict[bytes, Known]:
    """Those of the records that are known, locked until the end of the transaction."""
    rows = await tx.fetch(
        "select found_by, revision, content_hash, earlier, said, record_id, revised_at, version from records"
        " where found_by = any($1::bytea[]) order by found_by for update",
        sorted(found_by),
    )
    return {row[0]: Known(*row[1:]) for row in rows}


async def id_of(tx: Tx, found_by: bytes) -> str | None:
    record_id: str | None = await tx.fetchval("select record_id from records where found_by = $1", found_by)
    return record_id


async def ids_of(tx: Tx, found_by: Iterable[bytes]) -> dict[bytes, str]:
    """Of those that are known and not forgotten."""
    rows = await tx.fetch(
        "select found_by, record_id from records where found_by = any($1::bytea[]) and record_id is not null",
        list(found_by),
    )
    return {row[0]: row[1] for row in rows}


async def revisions_of(tx: Tx, found_by: Iterable[bytes]) -> dict[bytes, int]:
    """The latest revision of those that are known and not forgotten."""
    rows = await tx.fetch(
        "select found_by, revision from records where found_by = any($1::bytea[]) and record_id is not null",
        list(found_by),
    )
    return {row[0]: row[1] for row in rows}


async def insert_new(tx: Tx, kept: Sequence[Kept], received_at: datetime) -> None:
    """Raises asyncpg.UniqueViolationError: another transaction has just stored one of them."""
    rows = [(*row, received_at) for row in sorted(kept, key=lambda row: row.found_by)]
    if rows:
        await tx.copy_records_to_table("records", columns=(*Kept._fields, "received_at"), records=rows)


class Span(NamedTuple):
    """Records of a feed received in [since, until), by keyed hash from the one after `after`."""

    feed: str
    since: datetime
    until: datetime
    after: bytes
    limit: int


class Exportable(NamedTuple):
    found_by: bytes
    feed: str
    revision: int
    said: bytes


async def load_span(tx: Tx, span: Span) -> list[Exportable]:
    """In the order of their keyed hashes."""
    rows = await tx.fetch(
        """select found_by, feed, revision, said from records where feed = $1 and received_at >= $2
              and received_at < $3 and found_by > $4 order by found_by limit $5""",
        *span,
    )
    return [Exportable(*row) for row in rows]


async def replace_known(tx: Tx, kept: Sequence[Kept], received_at: datetime) -> None:
    """New revisions of records that `lock_known` has locked."""
    if not kept:
        return
    await tx.execute(
        """update records r set revision = x.revision, division_code = x.division_code, content_hash = x.content_hash,
                  said = x.said, received_at = $9, earlier = r.earlier || r.content_hash,
                  revised_at = coalesce(x.revised_at, r.revised_at), version = coalesce(x.version, r.version),
                  named_besides = r.named_besides || array_remove(string_to_array(x.named_besides, ' '), '')
             from unnest($1::bytea[], $2::int[], $3::text[], $4::bytea[], $5::bytea[], $6::timestamptz[], $7::bigint[],
                         $8::text[])
                  x(found_by, revision, division_code, content_hash, said, revised_at, version, named_besides)
            where r.found_by = x.found_by""",
        *([row[column] for row in kept] for column in (0, 3, 4, 5, 6, 8, 9)),
        [" ".join(row.named_besides) for row in kept],
        received_at,
    )


async def stood_still(tx: Tx, told: Mapping[bytes, Revision]) -> None:
    """Records that `lock_known` has locked, told unchanged at a later revision: what lies between comes too late."""
    if told:
        await tx.execute(
            """update records r set revised_at = coalesce(x.revised_at, r.revised_at),
                      version = coalesce(x.version, r.version)
                 from unnest($1::bytea[], $2::timestamptz[], $3::bigint[]) x(found_by, revised_at, version)
                where r.found_by = x.found_by""",
            list(told),
            [each.revised_at for each in told.values()],
            [each.version for each in told.values()],
        )


async def is_restored(tx: Tx) -> bool:
    """Whether the log holds what this database has forgotten, since it was put back."""
    restored: bool = await tx.fetchval("select exists (select from said_before)")
    return restored


async def held_by_log(tx: Tx, record_ids: Iterable[str]) -> dict[str, list[bytes]]:
    """Events that a restored database has forgotten, as they lie in the log, by the record that said them."""
    held: dict[str, list[bytes]] = {}
    for cause, record in await tx.fetch(
        "select cause, record from said_before where cause = any($1::text[]) order by event_id", list(record_ids)
    ):
        held.setdefault(cause, []).append(record)
    return held


async def known_grids(tx: Tx, codes: Iterable[str]) -> set[str]:
    """Those of the codes that are loaded grids."""
    return {row[0] for row in await tx.fetch("select code from grids where code = any($1::text[])", list(codes))}


async def grids_in(tx: Tx, villages: Iterable[str]) -> dict[str, str]:
    """Names of the loaded grids of these villages that the caller may see, by code."""
    rows = await tx.fetch("select code, name from grids where left(code, 12) = any($1::text[])", list(villages))
    return dict(rows)


async def load_grids(tx: Tx, names: Mapping[str, str]) -> None:
    """Add grids, or rename those that are there. names: code -> name."""
    rows = sorted(names.items())
    await tx.execute(
        """insert into grids (code, name) select * from unnest($1::text[], $2::text[]) order by 1
           on conflict (code) do update set name = excluded.name where grids.name <> excluded.name""",
        [code for code, _ in rows],
        [name for _, name in rows],
    )
