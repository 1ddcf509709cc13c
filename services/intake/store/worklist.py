"""What is owed by the word of other services, and what has been done about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from services.chassis.database import Tx
from services.intake.rules.assigned import Scope
from services.intake.rules.roster import Check
from services.intake.rules.worklist import Owed
from services.intake.store.roster import BELOW_ANY


class Kept(NamedTuple):
    """A statement at a revision. open: something is still owed by it."""

    owed: Owed
    revision: int
    open: bool


async def keep_owed(tx: Tx, kept: Iterable[Kept]) -> None:
    """The highest revision of a statement holds, in whatever order they come."""
    rows = [
        (each.owed.statement_id, each.revision, each.open, *each.owed[1:-2], list(each.owed.test_dates), each.owed[-1])
        for each in sorted(kept)
    ]
    await tx.executemany(
        """insert into owed (statement_id, revision, open, kind, division_code, drill, person_id, since_at, due_at,
                             placement_id, mode, checks_per_day, test_dates, about_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
           on conflict (statement_id) do update set revision = excluded.revision, open = excluded.open,
              division_code = excluded.division_code, drill = excluded.drill, person_id = excluded.person_id,
              since_at = excluded.since_at, due_at = excluded.due_at, placement_id = excluded.placement_id,
              mode = excluded.mode, checks_per_day = excluded.checks_per_day, test_dates = excluded.test_dates
            where owed.revision < excluded.revision""",
        rows,
    )


_COLUMNS = ", ".join(f"o.{column}" for column in Owed._fields)
_AT_A_SITE = "select placement_id from stays where site_id = any($4::text[])"
_OWED = f"""
select {_COLUMNS} from owed o where o.open and (
    {BELOW_ANY.format("o.division_code")}
    and o.mode is distinct from $2
    or o.person_id = any($3::text[]) or o.placement_id in ({_AT_A_SITE}))
 order by o.statement_id"""  # noqa: S608
CENTRAL = "central_quarantine"
"""Whoever is there is in the care of the site's staff, not of the grid that he or she lives in."""


async def load_owed(tx: Tx, scope: Scope) -> list[Owed]:
    """What is open of the people of a scope."""
    given = (list(scope.divisions), CENTRAL, list(scope.persons), list(scope.sites))
    return [Owed(*row) for row in await tx.fetch(_OWED, *given)]


async def load_checks(tx: Tx, person_ids: Collection[str], since: datetime) -> list[Check]:
    """Visits to these people and samples of theirs, from an instant on."""
    rows = await tx.fetch(
        f"select {', '.join(Check._fields)} from checks"  # noqa: S608
        " where person_id = any($1::text[]) and done_at >= $2",
        list(person_ids),
        since,
    )
    return [Check(*row) for row in rows]
