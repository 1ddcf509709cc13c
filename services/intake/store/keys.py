"""API keys as they are kept: a hash, what it is for, who made it, who revoked it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis.database import Tx


class Scope(NamedTuple):
    """What a key may be used for."""

    feed: str
    divisions: Sequence[str]
    kinds: Sequence[str]
    records_a_minute: int


class Held(NamedTuple):
    secret_hash: bytes
    scope: Scope


async def insert(tx: Tx, key_id: str, secret_hash: bytes, scope: Scope, note: str, by: str, now: datetime) -> None:
    """A new key."""
    await tx.execute(
        """insert into api_keys (key_id, secret_hash, feed, divisions, kinds, records_a_minute, note, made_by, made_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        *(key_id, secret_hash, *scope, note, by, now),
    )


async def find(tx: Tx, key_id: str) -> Held | None:
    """The key, unless it is revoked."""
    row = await tx.fetchrow(
        """select secret_hash, feed, divisions, kinds, records_a_minute from api_keys
            where key_id = $1 and revoked_at is null""",
        key_id,
    )
    return Held(row[0], Scope(*row[1:])) if row else None


async def divisions_of(tx: Tx, key_id: str) -> list[str]:
    """Those that a key is for; none where there is no such key."""
    return await tx.fetchval("select divisions from api_keys where key_id = $1", key_id) or []


async def revoke(tx: Tx, key_id: str, by: str, now: datetime) -> None:
    """The first revocation stays as it was said."""
    await tx.execute(
        "update api_keys set revoked_by = $2, revoked_at = $3 where key_id = $1 and revoked_at is null", key_id, by, now
    )


async def load(tx: Tx) -> list[dict[str, Any]]:
    """Keys that the caller may see, newest first, without their hashes."""
    rows = await tx.fetch(
        """select key_id, feed, divisions, kinds, records_a_minute, note, made_by, made_at, revoked_by, revoked_at
             from api_keys order by made_at desc, key_id"""
    )
    return [dict(row) for row in rows]
