"""Is the log ahead of the database? Then the database was put back to an earlier instant and must publish nothing."""

from __future__ import annotations

from asyncpg import Connection, Record

from services.chassis.database import Lane
from services.chassis.errors import LogAhead
from services.chassis.fence import Number
from services.chassis.reader import LogReader

_SERVER = "select system_identifier || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8) from pg_control_system()"
_LANES = "select topic, partition, epoch, source, last + cardinality(ids) known, tail_offset from lanes order by 1, 2"


async def refuse_log_ahead(db: Connection, reader: LogReader, service: str) -> None:
    """Read each lane from where the database last knew its end. Raises LogAhead when it holds what nobody here said.

    The lanes are looked at again after the log: a relay at work has committed its plan before it sends.
    """
    known = await _lanes(db)
    if not known:
        return
    found: dict[Lane, Number] = {}
    async for record in reader.read(await reader.tails({lane: row["tail_offset"] for lane, row in known.items()})):
        lane, number = (record.topic, record.partition), Number.of(record.headers)
        if number is not None and (lane not in found or found[lane][::2] < number[::2]):
            found[lane] = number
    rows = await _lanes(db)
    for lane, number in found.items():
        row = rows[lane]
        if _is_ahead(number, row["epoch"], row["source"], row["known"]):
            raise LogAhead(_words(service, lane, number, row["epoch"], row["known"]))


async def _lanes(db: Connection) -> dict[Lane, Record]:
    return {(row["topic"], row["partition"]): row for row in await db.fetch(_LANES)}


async def is_other_server(db: Connection) -> bool:
    """Whether this database now runs on another server or timeline; the first one is remembered."""
    known = await db.fetchval("select server from relay")
    if known is None:
        await remember_server(db)
        return False
    return bool(known != await db.fetchval(_SERVER))


async def remember_server(db: Connection) -> None:
    """Keep which server this is."""
    await db.execute(f"update relay set server = ({_SERVER})")  # noqa: S608


def _is_ahead(number: Number, epoch: int, source: str, known: int) -> bool:
    if number.epoch != epoch:
        return number.epoch > epoch
    return number.source != source or number.number > known


def _words(service: str, lane: Lane, number: Number, epoch: int, known: int) -> str:
    return (
        f"the log is ahead of the database of {service}: {lane[0]}/{lane[1]} holds {number}, the database knows "
        f"epoch {epoch} up to {known}. It was put back to an earlier instant, or this is not its database. Nothing is "
        f"published until `gridward new-epoch {service}` has been run"
    )
