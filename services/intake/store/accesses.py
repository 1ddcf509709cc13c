"""The access record: who looked at whom, or tried to, when and what for. Appended to, read by the person concerned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from services.chassis.database import Tx


class Look(NamedTuple):
    """By whom and what for. act: lookup, opening, search or own; note: in words, beside the purpose."""

    caller: str
    act: str
    purpose: str
    note: str = ""


async def record(tx: Tx, now: datetime, look: Look, owners: Mapping[str, bool] | Iterable[str]) -> None:
    """A line for each person or dwelling. owners: -> whether it was allowed; all were, if it only names them."""
    allowed = owners if isinstance(owners, Mapping) else dict.fromkeys(owners, True)
    ids = sorted(allowed)
    await tx.execute(
        """insert into vault_accesses (accessed_at, caller, act, purpose, note, person_id, allowed)
           select $3, $4, $5, $6, $7, x.* from unnest($1::text[], $2::bool[]) x""",
        *(ids, [allowed[each] for each in ids], now, *look),
    )


async def load(tx: Tx, person_id: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Of one person or dwelling, the newest first; from below the access_id `before`."""
    rows = await tx.fetch(
        """select access_id, accessed_at, caller, act, purpose, note, allowed from vault_accesses
            where person_id = $1 and ($2::bigint is null or access_id < $2) order by access_id desc limit $3""",
        *(person_id, before, limit),
    )
    return [dict(row) for row in rows]
