"""Whom a merge, or one taken back, makes stale."""

from __future__ import annotations

from collections.abc import Mapping

from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.tracing.store.stale import PERSON, Cause, Named

_MET = """
select person_id as who, other_id as met from exposures where person_id = any($1) and not withdrawn
union select other_id, person_id from exposures where other_id = any($1) and not withdrawn"""


async def touched_by_merges(tx: Tx, named: Mapping[str, Cause]) -> set[Named]:
    """These persons, all who are one with them, and all whom any of these has met: they read another neighbour now.

    By the facts and not by `states`, in a transaction later than the merge's: whoever is derived after it reads it.
    """
    if not named:
        return set()
    merged = await load_merged(tx, named)
    causes: dict[str, Cause] = {}
    for who, cause in named.items():
        causes |= {each: max(causes.get(each, cause), cause) for each in merged.all_of(who)}
    rows = await tx.fetch(_MET, sorted(causes))
    return {
        *(Named(PERSON, who, cause) for who, cause in causes.items()),
        *(Named(PERSON, row["met"], causes[row["who"]]) for row in rows),
    }
