"""`published` held against the log after a replay: revisions as they were said, and what is to be said otherwise."""

from __future__ import annotations

from contracts.exercise import MARK
from services.chassis.database import Tx
from services.tracing.store.published import COLUMNS, Published

_P = ", ".join(f"p.{name}" for name in COLUMNS.split(", "))
_SAME_STATEMENT = "(p.type, p.statement_id) = (s.type, s.statement_id)"
_EQUAL = (
    "(p.withdrawn and s.withdrawn"
    " or (p.withdrawn, p.body, p.division_code, p.drill) = (s.withdrawn, s.body, s.division_code, s.drill))"
)
# A statement that came and went within one step of the replay, or before the first relay: nobody ever heard it.
_NEVER_HEARD = f"delete from published p where p.withdrawn and not exists (select from said s where {_SAME_STATEMENT})"  # noqa: S608
_NEW = (
    "update published p set revision = 1"  # noqa: S608
    f" where not exists (select from said s where {_SAME_STATEMENT}) returning {_P}"
)
_OTHERWISE = (
    f"update published p set revision = s.revision + 1 from said s where {_SAME_STATEMENT} and not {_EQUAL}"  # noqa: S608
    f" returning {_P}"
)
_AS_SAID = (
    "update published p set revision = s.revision, body = s.body, division_code = s.division_code, drill = s.drill,"  # noqa: S608
    f" event_time = s.event_time from said s where {_SAME_STATEMENT} and {_EQUAL}"
)
_GONE = (
    f"insert into published ({COLUMNS})"  # noqa: S608
    " select s.statement_id, case when s.drill and position(':' || $1 in s.statement_id) > 0 then $1 else '' end"
    " || (s.body::json ->> 'person_id'), s.type,"
    " s.revision + case when s.withdrawn then 0 else 1 end, true,"
    " s.body, s.division_code, s.drill, s.event_time from said s"
    f" where not exists (select from published p where {_SAME_STATEMENT})"
    f" returning {COLUMNS}, not exists (select from said s where s.statement_id = published.statement_id"
    " and s.withdrawn) as unheard"
)


async def settle_published(tx: Tx) -> list[Published]:
    """Makes `published` what the log says; gives the rows that differ from it, with the revision to say them under."""
    await tx.execute(_NEVER_HEARD)
    changed = [*await tx.fetch(_NEW), *await tx.fetch(_OTHERWISE)]
    await tx.execute(_AS_SAID)
    gone = [row for row in await tx.fetch(_GONE, MARK) if row["unheard"]]
    return [Published(*row) for row in changed] + [Published(*list(row)[:-1]) for row in gone]
