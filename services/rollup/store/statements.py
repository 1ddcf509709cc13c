"""The newest revision of each statement, and the subjects it counts for."""

from __future__ import annotations

from collections.abc import Mapping

from services.chassis.database import Tx
from services.rollup.rules.counting import Known, packed, unpacked
from services.rollup.store.copying import copy_all

_COLUMNS = ("statement", "revision", "recorded_at", "subjects")
_MET = "select statement from statements where statement = any($1::text[])"
_LOCK = "select * from statements where statement = any($1::text[]) order by statement for update"
_SAVE = """
    update statements set revision = new.revision, recorded_at = new.recorded_at, subjects = new.subjects
    from unnest($1::text[], $2::int[], $3::timestamptz[], $4::bytea[]) as new
        (statement, revision, recorded_at, subjects)
    where statements.statement = new.statement"""


async def insert_or_lock(tx: Tx, new: Mapping[str, Known]) -> dict[str, Known]:
    """Inserts the statements never met; locks those that were, and returns them as they are held.

    A first revision is hardly ever met again, so it is looked for only where the copying says that some was.
    """
    names = sorted(new)
    met, asked = set[str](), [name for name in names if new[name].revision > 1]
    while True:
        if asked:
            met = {row[0] for row in await tx.fetch(_MET, asked)}
        rows = [_row(name, new[name]) for name in names if name not in met]
        if not rows or await copy_all(tx, "statements", _COLUMNS, rows):
            break
        asked = names
    held = await tx.fetch(_LOCK, sorted(met)) if met else []
    return {name: Known(revision, recorded_at, unpacked(subjects)) for name, revision, recorded_at, subjects in held}


async def save(tx: Tx, states: Mapping[str, Known]) -> None:
    """Writes newer revisions of statements that this transaction has locked."""
    if states:
        rows = [_row(name, state) for name, state in states.items()]
        await tx.execute(_SAVE, *map(list, zip(*rows, strict=True)))


def _row(name: str, state: Known) -> tuple[object, ...]:
    return name, state.revision, state.recorded_at, packed(state.keys)
