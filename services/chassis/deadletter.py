"""Dead letters: records that failed alone and not for the database's or the network's sake, kept with their reason.

A dead letter has moved its lane's number like any record, so it is sent again inside the service, never through the
topic: there its number is old and other consumers would see it twice. It is then a late event; handlers bear these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from services.chassis.database import Tx
from services.chassis.errors import NoSuchDeadLetter, TooManyDeadLetters
from services.chassis.fence import Number

_COUNT = """
select count(*) from dead_letters where closed_at is null and failed_at > clock_timestamp() - interval '1 hour'"""
_WRITE = """
insert into dead_letters (topic, partition, record_offset, number, key, record, reason)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[])"""
_CLOSE = """
update dead_letters set closed_at = clock_timestamp(), closed_by = $2
 where id = $1 and closed_at is null returning record"""
_OPEN = """
select id, topic, partition, record_offset, number, key, record, reason, failed_at from dead_letters
 where closed_at is null order by id limit $1"""

LONGEST_REASON = 2_000


@dataclass(frozen=True)
class Failed:
    """A record and why it is a dead letter."""

    record: ConsumerRecord
    reason: str


@dataclass(frozen=True)
class DeadLetter:
    """A row of `dead_letters` that is open. number: "epoch.source.number", None when the record had none."""

    id: int
    topic: str
    partition: int
    record_offset: int
    number: str | None
    key: str | None
    record: bytes | None
    reason: str
    failed_at: datetime


def reason_of(error: BaseException) -> str:
    """The error in words, with its kind, cut to 2,000 characters."""
    return f"{type(error).__name__}: {error}"[:LONGEST_REASON].replace("\0", "")


async def keep(tx: Tx, failed: Sequence[Failed], an_hour: int) -> None:
    """Store them. Raises TooManyDeadLetters when more than `an_hour` of the last hour would be open."""
    if not failed:
        return
    known = await tx.fetchval(_COUNT)
    if known + len(failed) > an_hour:
        raise TooManyDeadLetters(
            f"{known} dead letters of the last hour are open, {len(failed)} would follow, the limit is {an_hour}. Mend "
            f"what they say (`gridward dead-letters`), then resend or drop them. The next: {failed[0].reason}"
        )
    rows = [_row(one) for one in failed]
    await tx.execute(_WRITE, *([row[column] for row in rows] for column in range(7)))


def _row(failed: Failed) -> tuple[object, ...]:
    record = failed.record
    number = Number.of(record.headers)
    key = None if record.key is None else record.key.decode(errors="replace").replace("\0", "")
    place = (record.topic, record.partition, record.offset, str(number) if number else None)
    return (*place, key, record.value, failed.reason)


async def close(tx: Tx, dead_letter: int, by: str) -> bytes:
    """Close an open dead letter (lock it) and return its record. Raises NoSuchDeadLetter."""
    row = await tx.fetchrow(_CLOSE, dead_letter, by)
    if row is None:
        raise NoSuchDeadLetter(f"no dead letter {dead_letter} is open: list them with `gridward dead-letters`")
    return bytes(row["record"] or b"")


async def waiting(tx: Tx, limit: int = 100) -> list[DeadLetter]:
    """The open dead letters, oldest first."""
    return [DeadLetter(*row) for row in await tx.fetch(_OPEN, limit)]
