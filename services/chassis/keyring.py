"""Which keys a database has in use, and how every replica follows when they are turned, none of them stopped.

`seal_keys` lists the versions in use; the highest seals, and everything is found by all of them. So no two replicas
can disagree, whatever stands first in their settings:

1. Restart the replicas one by one with "1:<old> 2:<new>". Nothing changes: all of them know the new key.
2. Restart them one by one with "2:<new> 1:<old>". The first to start puts 2 in use, and all seal with it from their
   next transaction on; one that does not know it refuses in words. A tick seals anew what 1 sealed (`turning.py`).
3. Once the log and `/metrics` say that this has ended, 1 is in use no longer: leave it out at the next restart. A
   replica that leaves it out too early refuses to start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import structlog

from services.chassis.database import Tx
from services.chassis.errors import KeyNotKnown
from services.chassis.sealing import Keys, Seals

log = structlog.get_logger()
S = TypeVar("S", bound=Seals)

_TOGETHER = "select pg_advisory_xact_lock_shared(hashtext('gridward seals'), hashtext(current_schema()))"
_ALONE = "select pg_advisory_xact_lock(hashtext('gridward seals'), hashtext(current_schema()))"
_IN_USE = "select version from seal_keys order by version desc"
_USE = "insert into seal_keys select unnest($1::smallint[]) on conflict do nothing"
_LEAVE = "delete from seal_keys where version <> $1"


class Keyring(Generic[S]):
    """The keys of this process beside those in use. make: seals from the secrets and the versions in use."""

    def __init__(self, keys: Keys, make: Callable[[Mapping[int, bytes], Sequence[int]], S]) -> None:
        self._keys, self._make = keys, make
        self._made: dict[tuple[int, ...], S] = {}

    async def begin(self, tx: Tx, found: Sequence[int]) -> S:
        """At the start: put the first key in use if it is the newest. found: versions that seal rows already.

        Raises KeyNotKnown.
        """
        await tx.execute(_ALONE)
        if not await self._in_use(tx):
            await tx.execute(_USE, [*found] or [self._keys.first])
        seals = await self.read(tx)
        if self._keys.first <= seals.version:
            return seals
        await tx.execute(_USE, [self._keys.first])
        log.info("a new key seals from now on, and what the old one sealed is sealed anew", version=self._keys.first)
        return await self.read(tx)

    async def hold(self, tx: Tx) -> S:
        """For a transaction that writes: the keys in use stay so until it ends. Raises KeyNotKnown."""
        await tx.execute(_TOGETHER)
        return await self.read(tx)

    async def read(self, tx: Tx) -> S:
        """For a transaction that opens only. Raises KeyNotKnown."""
        in_use = await self._in_use(tx)
        if in_use not in self._made:
            if unknown := set(in_use) - self._keys.secrets.keys():
                raise KeyNotKnown(
                    f"rows are sealed with key version {', '.join(map(str, sorted(unknown)))}, which this process does "
                    "not know: add that key to GRIDWARD_VAULT_KEY, then restart it"
                )
            self._made[in_use] = self._make(self._keys.secrets, in_use)
        return self._made[in_use]

    async def leave_old(self, tx: Tx, version: int) -> bool:
        """When nothing needs a key older than the newest, this one: it alone is in use. No writer is under way.

        False: another replica was quicker, or put a newer one in use, for which nothing was sealed anew yet.
        """
        await tx.execute(_ALONE)
        if (await self.read(tx)).version != version:
            return False
        left: str = await tx.execute(_LEAVE, version)
        return left != "DELETE 0"

    async def _in_use(self, tx: Tx) -> tuple[int, ...]:
        return tuple(row[0] for row in await tx.fetch(_IN_USE))
