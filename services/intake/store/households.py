"""The households of a division in a round, folded where their rows lie: a village has thousands of residents."""

from __future__ import annotations

from datetime import datetime

from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.intake.rules.households import Household, as_one, whereabouts
from services.intake.rules.roster import AWAY, REACHED, Presence, Round
from services.intake.store.roster import BELOW

_TOLD = f"{BELOW} and drill <= $2"
"""In an exercise its own entries count beside the true roster."""
_REGISTERS = f"""
select distinct on (dwelling_id) dwelling_id, record_id, registered_at, lived_in from registers where {_TOLD}
 order by dwelling_id, registered_at desc, record_id collate "C" desc"""  # noqa: S608
_SOUGHT = f"""
select dwelling_id, max(called_at) filter (where outcome = '{REACHED}') as reached_at,
       count(*) filter (where outcome <> '{REACHED}') as attempts,
       (array_agg(outcome order by called_at desc, outcome collate "C" desc)
           filter (where outcome <> '{REACHED}'))[1] as last_outcome
  from calls where {BELOW} and drill = $2 and round_id = $3
 group by 1"""  # noqa: S608
_RESIDENTS = f"""
select * from residents
 where {_TOLD} and ($4 or dwelling_id in (select dwelling_id from sought where reached_at is not null)
                       or dwelling_id in (select dwelling_id from registered where not lived_in))"""  # noqa: S608
_MEMBERS = f"""
select r.dwelling_id, r.person_id, bool_or(r.round_id = $3 and r.drill = $2) as met
  from ({_RESIDENTS}) r left join registered g using (dwelling_id)
 group by 1, 2
having bool_or(g.record_id is null or r.record_id = g.record_id or r.since_at > g.registered_at)
"""  # noqa: S608
_HOUSEHOLDS = f"""
with registered as ({_REGISTERS}),
     sought as ({_SOUGHT}),
     members as ({_MEMBERS}),
     living as (select dwelling_id, array_agg(person_id order by person_id collate "C") as people,
                       array_agg(person_id order by person_id collate "C") filter (where met) as met
                  from members group by 1)
select dwelling_id, division_code, coalesce(people, '{{}}') as people, coalesce(met, '{{}}'), reached_at,
       coalesce(attempts, 0), last_outcome
  from (select dwelling_id, division_code from vault_dwellings where {BELOW}) dwellings
       left join registered using (dwelling_id) left join living using (dwelling_id)
       left join sought using (dwelling_id)
 where lived_in is not false or people is not null
 order by 1"""  # noqa: S608
_PRESENCES = f"""
select * from (
    select distinct on (person_id) {", ".join(Presence._fields)} from presences where {_TOLD}
     order by person_id, since_at desc, record_id collate "C" desc) latest
 where state = '{AWAY}' or person_id = any($3::text[])"""  # noqa: S608
_MET = f"""
select person_id, max(since_at) from residents where {_TOLD} and round_id <> '' and person_id = any($3::text[])
 group by 1"""  # noqa: S608
_NESTED_LOOPS = "select set_config('enable_nestloop', $1, true)"
"""Of what row security lets through the planner expects one row: all registers for each resident, by nested loops."""


async def load_households(
    tx: Tx, division: str, open_round: Round | None, now: datetime, *, people_of_all: bool
) -> list[Household]:
    """Every dwelling there in which somebody lives, or nobody is known not to.

    Whoever stands in its latest register lives there, and whoever was met there after it (`rules.households`); several
    ids of one person are one person there.
    people_of_all: else of those alone that the round has reached, for of the others nobody in particular is owed.
    """
    drill, round_id = (open_round.drill, open_round.round_id) if open_round else (False, None)
    await tx.fetchval(_NESTED_LOOPS, "off")
    found = await tx.fetch(_HOUSEHOLDS, division, drill, round_id, people_of_all)
    await tx.fetchval(_NESTED_LOOPS, "on")
    people = {each for row in found for each in row["people"]}
    merged = await load_merged(tx, people)
    presences = await tx.fetch(_PRESENCES, division, drill, sorted(merged.everybody(people)))
    gone = merged.everybody({row["person_id"] for row in presences if row["state"] == AWAY})
    met = await tx.fetch(_MET, division, drill, sorted(gone)) if gone else ()
    away = whereabouts([Presence(*row) for row in presences], {row[0]: row[1] for row in met}, merged, now)
    return [as_one(Household._make((*row, away)), merged) for row in found]
