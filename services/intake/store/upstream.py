"""Where reading of other clusters' topics stands; the row is locked and moved by the transaction that admits."""

from __future__ import annotations

from typing import NamedTuple

from services.chassis.database import Lane, Tx


class Standing(NamedTuple):
    """next_offset: the first record not admitted. seen: a hash of the one before. cluster: whose offsets they are."""

    next_offset: int
    seen: bytes | None
    cluster: str


async def find(tx: Tx, lane: Lane) -> Standing | None:
    """None: nothing of it was ever read."""
    row = await tx.fetchrow(
        "select next_offset, seen, cluster from upstream_positions where topic = $1 and partition = $2", *lane
    )
    return Standing(*row) if row else None


async def begin(tx: Tx, lane: Lane, standing: Standing) -> None:
    """A row for a lane that has none."""
    await tx.execute(
        "insert into upstream_positions (topic, partition, next_offset, seen, cluster) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing",
        *lane,
        *standing,
    )


async def move(tx: Tx, lane: Lane, expected: int, standing: Standing) -> bool:
    """Whether it stood at `expected`; if so it now stands elsewhere, once this transaction commits."""
    moved = await tx.fetchval(
        "update upstream_positions set next_offset = $4, seen = $5, cluster = $6"
        " where topic = $1 and partition = $2 and next_offset = $3 returning true",
        *lane,
        expected,
        *standing,
    )
    return bool(moved)
