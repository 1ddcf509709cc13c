"""Dead letters: records that failed alone and not for the database's or the network's sake, kept with their reason.

A dead letter has moved its lane's number like any record, so it is sent again inside the service, never through the
topic: there its number is old and other consumers would see it twice. It is then a late event; handlers bear these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aiokafka import ConsumerRecord

from services.chassis.database import Tx
from services.chassis.errors import DeadLetterClosed, NoSuchDeadLetter, TooManyDeadLetters
from services.chassis.fence import Number

_COUNT = """
select count(*) from dead_letters where closed_at is null and failed_at > clock_timestamp() - interval '1 hour'"""
_WRITE = """
insert into dead_letters (topic, partition, record_offset, number, key, record, reason)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[])"""
_CLOSE = """
update dead_letters set closed_at = clock_timestamp(), closed_by = $2 where id = $1 and closed_at is null"""
_COLUMNS = "id, topic, partition, record_offset, number, key, record, reason, failed_at, closed_at, closed_by"
_OPEN = f"""
select {_COLUMNS} from dead_letters
 where closed_at is null and ($1::text is null or topic = $1) order by id limit $2"""  # noqa: S608 - a constant
_ONE = f"select {_COLUMNS} from dead_letters where id = $1"  # noqa: S608 - a constant
_OPEN_COUNT = "select count(*) from dead_letters where closed_at is null and ($1::text is null or topic = $1)"
_NOTE = "insert into dead_letter_log (dead_letter, done_by, act, reason, outcome) values ($1, $2, $3, $4, $5)"
_NOTES = "select at, done_by, act, reason, outcome from dead_letter_log where dead_letter = $1 order by id"

Act = Literal["resent", "dropped", "resend failed"]


@dataclass(frozen=True)
class Failed:
    """A record and why it is a dead letter."""

    record: ConsumerRecord
    reason: str


@dataclass(frozen=True)
class DeadLetter:
    """A row of `dead_letters`. number: "epoch.source.number", None if it had none; closed_at: None if open."""

    id: int
    topic: str
    partition: int
    record_offset: int
    number: str | None
    key: str | None
    record: bytes | None
    reason: str
    failed_at: datetime
    closed_at: datetime | None
    closed_by: str | None


@dataclass(frozen=True)
class Note:
    """A row of `dead_letter_log`: what was done about a dead letter, when, by whom, why, and what came of it."""

    at: datetime
    done_by: str
    act: Act
    reason: str
    outcome: str


async def keep(tx: Tx, failed: Sequence[Failed], an_hour: int) -> None:
    """Store them. Raises TooManyDeadLetters when more than `an_hour` of the last hour would be open."""
    if not failed:
        return
    known = await tx.fetchval(_COUNT)
    if known + len(failed) > an_hour:
        raise TooManyDeadLetters(
            f"{known} dead letters of the last hour are open, the limit is {an_hour}: nothing is read until some are "
            "closed. Mend what they say (`gridward deadletters list`), then resend or drop them; it goes on by itself. "
            f"The next: {failed[0].reason}"
        )
    rows = [_row(one) for one in failed]
    await tx.execute(_WRITE, *([row[column] for row in rows] for column in range(7)))


async def has_room(tx: Tx, an_hour: int) -> bool:
    """Whether one more dead letter may be stored."""
    return bool(await tx.fetchval(_COUNT) < an_hour)


def _row(failed: Failed) -> tuple[object, ...]:
    record = failed.record
    number = Number.of(record.headers)
    key = None if record.key is None else record.key.decode(errors="replace").replace("\0", "")
    place = (record.topic, record.partition, record.offset, str(number) if number else None)
    return (*place, key, record.value, failed.reason)


async def close(tx: Tx, letter: DeadLetter, by: str, act: Act, why: str, outcome: str) -> None:
    """Close an open dead letter (lock it) and note it, in one transaction. Raises DeadLetterClosed."""
    if await tx.execute(_CLOSE, letter.id, f"{act} by {by}") == "UPDATE 0":
        await still_open(tx, letter.id)
    await note(tx, letter.id, by, act, why, outcome)


async def note(tx: Tx, dead_letter: int, by: str, act: Act, why: str, outcome: str) -> None:
    """Append to the log of what was done about dead letters."""
    await tx.execute(_NOTE, dead_letter, by, act, why, outcome)


async def notes(tx: Tx, dead_letter: int) -> list[Note]:
    """What was done about a dead letter, oldest first."""
    return [Note(*row) for row in await tx.fetch(_NOTES, dead_letter)]


async def find(tx: Tx, dead_letter: int) -> DeadLetter:
    """One dead letter, open or closed. Raises NoSuchDeadLetter."""
    row = await tx.fetchrow(_ONE, dead_letter)
    if row is None:
        raise NoSuchDeadLetter(f"there is no dead letter {dead_letter}: see `gridward deadletters list`")
    return DeadLetter(*row)


async def still_open(tx: Tx, dead_letter: int) -> DeadLetter:
    """One dead letter that is open. Raises NoSuchDeadLetter, DeadLetterClosed."""
    letter = await find(tx, dead_letter)
    if letter.closed_at is not None:
        raise DeadLetterClosed(
            f"dead letter {dead_letter} was {letter.closed_by} at {letter.closed_at:%Y-%m-%d %H:%M:%S%z}: nothing to do"
        )
    return letter


async def waiting(tx: Tx, topic: str | None = None, limit: int = 100) -> list[DeadLetter]:
    """The open dead letters, of one topic if it is given, oldest first."""
    return [DeadLetter(*row) for row in await tx.fetch(_OPEN, topic, limit)]


async def count(tx: Tx, topic: str | None = None) -> int:
    """How many are open."""
    return int(await tx.fetchval(_OPEN_COUNT, topic))
