"""What was said of leads, as it came; the highest revision of a statement holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadPassedOn, LeadReceived
from contracts.leads import LeadState
from contracts.persons import Merged
from services.alerts.matters import Key
from services.alerts.rules import LeadClock, LeadFact, lead_clocks
from services.alerts.store.facts import columns, newest
from services.chassis.database import Tx

FACTS = (LeadReceived, LeadLanded, LeadNotFound, LeadPassedOn, LeadClosed)
_DID: dict[Any, tuple[LeadState, str]] = {
    LeadReceived: (LeadState.OPEN, "received_at"),
    LeadLanded: (LeadState.LANDED, "landed_at"),
    LeadNotFound: (LeadState.NOT_FOUND, "sought_at"),
    LeadPassedOn: (LeadState.PASSED_ON, "passed_at"),
    LeadClosed: (LeadState.CLOSED, "closed_at"),
}


async def save(tx: Tx, events: Sequence[Event[Any]]) -> None:
    """Leads received, and what was done about them; recorded_at keeps when each was first received."""
    rows = [_row(event) for event in newest(events)]
    await tx.execute(
        """insert into lead_facts select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::text[],
             $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::timestamptz[], $12::bool[])
           on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn,
             person_id = excluded.person_id, lead_id = excluded.lead_id, division_code = excluded.division_code,
             at = excluded.at, to_division_code = excluded.to_division_code,
             source = excluded.source, drill = excluded.drill, recorded_at = case when lead_facts.withdrawn
               then excluded.recorded_at else least(lead_facts.recorded_at, excluded.recorded_at) end
           where lead_facts.revision < excluded.revision""",
        *columns(rows, 12),
    )


def _row(event: Event[Any]) -> tuple[Any, ...]:
    fact = event.data
    did, at = _DID[type(fact)]
    source = fact.source.value if isinstance(fact, LeadReceived) else None
    to = fact.to_division_code if isinstance(fact, LeadPassedOn) else None
    head = fact.statement_id, fact.revision, fact.withdrawn, fact.person_id, fact.lead_id
    return *head, event.division, did.value, getattr(fact, at), to, source, event.time, event.drill


async def load_clocks(tx: Tx, people: Sequence[str], merged: Merged) -> dict[Key, LeadClock]:
    """The clocks of the leads on these people, under the id that is kept of each."""
    rows = await tx.fetch(
        """select person_id, lead_id, statement_id, division_code, did, at, to_division_code, source, recorded_at, drill
             from lead_facts where person_id = any($1::text[]) and not withdrawn order by statement_id""",
        sorted(merged.everybody(people)),
    )
    its: dict[tuple[str, str], list[LeadFact]] = {}
    for row in rows:
        its.setdefault((row["person_id"], row["lead_id"]), []).append(LeadFact(*row[2:]))
    return {
        Key(clock.deadline, merged.kept(person_id), clock.begun_by): clock
        for (person_id, lead_id), facts in its.items()
        for clock in lead_clocks(lead_id, facts)
    }
