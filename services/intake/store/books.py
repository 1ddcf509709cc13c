"""The ledger by feed and hour, and the rejected rows that wait to be mended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis.database import Tx
from services.intake.rules.revisions import Revision


class Counts(NamedTuple):
    """What came in of a feed and what became of it; the rest of `received` is pending."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0


class Reject(NamedTuple):
    """A rejected row as it is kept. at: the revision of the record that it names."""

    body_hash: bytes
    feed: str
    of_record: bytes | None
    sealed: bytes
    at: Revision


class KeptReject(NamedTuple):
    """A rejected row as it is found again."""

    reject_id: int
    body_hash: bytes
    sealed: bytes
    rejected_at: datetime


async def count(tx: Tx, counts: Mapping[str, Counts], now: datetime) -> None:
    """Add to the hour of now; in the same transaction as what was counted, so the books balance at every instant."""
    rows = sorted(counts.items())
    await tx.execute(
        """insert into ledger as l (feed, received, accepted, duplicate, rejected, hour_at, slot)
            select x.*, date_trunc('hour', $6::timestamptz, 'Asia/Shanghai'), pg_backend_pid() % 8
              from unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[]) x order by 1
            on conflict (hour_at, feed, slot) do update set
               received = l.received + excluded.received, accepted = l.accepted + excluded.accepted,
               duplicate = l.duplicate + excluded.duplicate, rejected = l.rejected + excluded.rejected""",
        [feed for feed, _ in rows],
        *([counted[column] for _, counted in rows] for column in range(4)),
        now,
    )


async def load_ledger(tx: Tx, since: datetime, until: datetime, feed: str | None) -> list[dict[str, Any]]:
    """By feed and hour of Shanghai, oldest first; hours in [since, until)."""
    rows = await tx.fetch(
        """select feed, hour_at, sum(received)::bigint received, sum(accepted)::bigint accepted,
                  sum(duplicate)::bigint duplicate, sum(rejected)::bigint rejected, sum(pending)::bigint pending
             from ledger where hour_at >= $1 and hour_at < $2 and ($3::text is null or feed = $3)
            group by feed, hour_at order by hour_at, feed""",
        since,
        until,
        feed,
    )
    return [dict(row) for row in rows]


async def keep_rejects(tx: Tx, rejects: Collection[Reject], now: datetime) -> None:
    """A row that was rejected before is kept once, with its latest problems."""
    if not rejects:
        return
    rows = list({reject.body_hash: reject for reject in rejects}.values())
    # Ids in the order of sending, locks in the order of hashes.
    await tx.execute(
        """with numbered as materialized (
               select nextval(pg_get_serial_sequence('vault_rejects', 'reject_id')) reject_id, x.*
                 from unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[], $5::int[], $6::timestamptz[],
                             $7::bigint[]) with ordinality
                      x(body_hash, feed, of_record, sealed, revision, revised_at, version, place)
                order by place)
           insert into vault_rejects
                  (reject_id, body_hash, feed, of_record, sealed, revision, revised_at, version, rejected_at)
           select reject_id, body_hash, feed, of_record, sealed, revision, revised_at, version, $8
             from numbered order by body_hash
           on conflict (body_hash) do update set sealed = excluded.sealed, rejected_at = excluded.rejected_at""",
        *([row[column] for row in rows] for column in range(4)),
        *([row.at[column] for row in rows] for column in range(3)),
        now,
    )


async def drop_mended(tx: Tx, settled: Collection[tuple[bytes, Revision]]) -> None:
    """Rejected rows whose record is now known at that revision or a later one, as `Revision.against` tells it."""
    if settled:
        await tx.execute(
            """delete from vault_rejects where reject_id in
               (select reject_id
                  from vault_rejects r
                  join unnest($1::bytea[], $2::int[], $3::timestamptz[], $4::bigint[])
                       x(of_record, revision, revised_at, version) using (of_record)
                 where case when r.revised_at is not null then r.revised_at <= x.revised_at
                            when r.version is not null then r.version <= x.version
                            else r.revision <= x.revision end
                 order by reject_id for update of r)""",
            [of_record for of_record, _ in settled],
            *([at[column] for _, at in settled] for column in range(3)),
        )


async def rejects_after(tx: Tx, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    """(body_hash, sealed) in the order of body_hash, locked."""
    rows = await tx.fetch(
        "select body_hash, sealed from vault_rejects where body_hash > $1 order by body_hash limit $2 for update",
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def seal_rejects_anew(tx: Tx, sealed: Mapping[bytes, bytes]) -> None:
    """The same rejected rows under another key. sealed: by body_hash."""
    await tx.execute(
        """update vault_rejects r set sealed = x.sealed
             from unnest($1::bytea[], $2::bytea[]) x(body_hash, sealed) where r.body_hash = x.body_hash""",
        list(sealed),
        list(sealed.values()),
    )


async def load_rejects(tx: Tx, feed: str | None, after: int, limit: int) -> list[KeptReject]:
    """In the order of reject_id, from the one after `after`."""
    rows = await tx.fetch(
        """select reject_id, body_hash, sealed, rejected_at from vault_rejects
            where reject_id > $2 and ($1::text is null or feed = $1) order by reject_id limit $3""",
        feed,
        after,
        limit,
    )
    return [KeptReject(*row) for row in rows]
