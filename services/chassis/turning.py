"""Sealing anew what an older key sealed, in small transactions beside the work; in order and only once.

Since every replica seals with the newest key from the moment it is in use, one pass over each table finds all that
another has sealed. How far it came stands in `turnings`: a replica that dies is followed by any other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

import structlog
from prometheus_client import Gauge

from services.chassis.database import Tx
from services.chassis.errors import KeyNotKnown
from services.chassis.keyring import Keyring, S
from services.chassis.service import App, Tick, Worked

log = structlog.get_logger()

RESEALED = Gauge(
    "gridward_resealed_rows",
    "Rows gone over since the vault's key was turned: grows, and vanishes when the old key may be left out.",
    ["service", "part"],
)
ROWS = 500
"""Of one transaction."""
EVERY = 2.0

_BEGIN = "insert into turnings (part, version) select unnest($1::text[]), $2 on conflict do nothing"
_RESTART = "delete from turnings where version <> $1"
_CLAIM = """
select part, after from turnings where not ended and part = any($1) and version = $2
 order by part limit 1 for update skip locked"""
_MOVE = "update turnings set after = $2, rows = rows + $3, ended = $4 where part = $1"
_OPEN = "select count(*) from turnings where not ended and part = any($1)"
_SHOW = "select part, rows from turnings"
_FORGET = "delete from turnings where not exists (select from turnings where not ended)"


@dataclass(frozen=True)
class Part(Generic[S]):
    """One table. go: over at most `limit` rows after the key `after`, in order; their keys. after_old: once the old key
    is out of use, to clear what it left."""

    name: str
    go: Callable[[Tx, S, str, int], Awaitable[Sequence[str]]]
    after_old: bool = False


def turning(app: App, ring: Keyring[S], parts: Sequence[Part[S]]) -> Tick:
    """The tick of a service with sealed rows. A key that this process does not know shows in /readyz."""

    async def run(tx: Tx, now: datetime) -> Worked:
        try:
            worked = await _work(tx, ring, parts)
        except KeyNotKnown as error:
            if app.reasons.get("vault") != str(error):
                log.error("not ready", service=app.name, part="vault", reason=str(error))
            app.reasons["vault"] = str(error)
            return Worked()
        app.reasons.pop("vault", None)
        await _show(tx, app.name, parts)
        return worked

    return Tick("turning", every_seconds=EVERY, run=run)


async def _work(tx: Tx, ring: Keyring[S], parts: Sequence[Part[S]]) -> Worked:
    seals = await ring.read(tx)
    turns = len(seals.in_use) > 1
    due = {part.name: part for part in parts if part.after_old is not turns}
    if turns:
        await tx.execute(_RESTART, seals.version)
        await tx.execute(_BEGIN, [part.name for part in parts], seals.version)
    if await tx.fetchval(_OPEN, list(due)):
        seals = await ring.hold(tx)
        claimed = await tx.fetchrow(_CLAIM, list(due), seals.version)
        if claimed is not None:
            await _go(tx, seals, due[claimed[0]], claimed[1])
        return Worked(more=claimed is not None)
    if turns:
        if await ring.leave_old(tx, seals.version):
            log.info("nothing needs an older key: leave the others out of GRIDWARD_VAULT_KEY", version=seals.version)
        return Worked(more=True)
    await tx.execute(_FORGET)
    return Worked()


async def _go(tx: Tx, seals: S, part: Part[S], after: str) -> None:
    keys = await part.go(tx, seals, after, ROWS)
    ended = len(keys) < ROWS
    await tx.execute(_MOVE, part.name, keys[-1] if keys else after, len(keys), ended)
    if ended:
        rows = await tx.fetchval("select rows from turnings where part = $1", part.name)
        log.info("sealed with the new key", part=part.name, rows=rows, version=seals.version)


async def _show(tx: Tx, service: str, parts: Sequence[Part[S]]) -> None:
    shown = {row[0]: row[1] for row in await tx.fetch(_SHOW)}
    for part in parts:
        if part.name in shown:
            RESEALED.labels(service, part.name).set(shown[part.name])
        else:
            with suppress(KeyError):
                RESEALED.remove(service, part.name)
