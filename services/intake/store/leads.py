"""Leads, needs and the steps that follow them, as far as the caller may see them. The roster's store keeps the rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.chassis.database import Tx
from services.intake.rules.lead_rows import LeadDone, LeadHeld, NeedHeld
from services.intake.store.roster import BELOW_ANY

_HELD, _DONE = ", ".join(LeadHeld._fields), ", ".join(LeadDone._fields)
_ASKED = ", ".join(NeedHeld._fields)


async def load(tx: Tx, lead_ids: Collection[str]) -> list[LeadHeld]:
    """Those of the leads that there are."""
    sql = f"select {_HELD} from leads where record_id = any($1::text[]) order by record_id"  # noqa: S608
    return [LeadHeld(*row) for row in await tx.fetch(sql, list(lead_ids))]


async def load_steps(tx: Tx, lead_ids: Collection[str]) -> list[LeadDone]:
    """What was done about them."""
    sql = f"select {_DONE} from lead_steps where lead_id = any($1::text[]) order by record_id"  # noqa: S608
    return [LeadDone(*row) for row in await tx.fetch(sql, list(lead_ids))]


# Never passed on, and something was done where it came to: whatever that was, the lead is not open any more.
_ANSWERED = """
    exists (select from lead_steps s where s.lead_id = leads.record_id and s.person_id = leads.person_id
            and s.division_code = leads.division_code)
    and not exists (select from lead_steps s where s.lead_id = leads.record_id and s.person_id = leads.person_id
                    and s.did = 'passed_on')"""


async def find_around(tx: Tx, divisions: Sequence[str], *, without_answered: bool = False) -> list[LeadHeld]:
    """Leads that came to these divisions, or were passed on to them, and to those below; the latest come first.

    without_answered: without most of those that are not open any more, which are nearly all after some weeks.
    """
    rows = await tx.fetch(
        f"""select {_HELD} from leads
             where ({BELOW_ANY.format("division_code")}
                or record_id in (select lead_id from lead_steps where {BELOW_ANY.format("to_division_code")}))
               and not ($2 and {_ANSWERED})
             order by received_at desc, record_id""",  # noqa: S608
        list(divisions),
        without_answered,
    )
    return [LeadHeld(*row) for row in rows]


async def load_needs(tx: Tx, need_ids: Collection[str]) -> list[NeedHeld]:
    """Those of the needs that there are."""
    sql = f"select {_ASKED} from needs where record_id = any($1::text[]) order by record_id"  # noqa: S608
    return [NeedHeld(*row) for row in await tx.fetch(sql, list(need_ids))]


async def open_needs(tx: Tx, divisions: Sequence[str], persons: Collection[str]) -> list[NeedHeld]:
    """What nobody has met yet, in these divisions and below, and of these people."""
    rows = await tx.fetch(
        f"""select {_ASKED} from needs n
             where ({BELOW_ANY.format("division_code")} or person_id = any($2::text[]))
               and not exists (select from needs_met m where m.need_id = n.record_id)
             order by record_id""",  # noqa: S608
        list(divisions),
        list(persons),
    )
    return [NeedHeld(*row) for row in rows]
