"""Ids that mean one person, in the table `merges` of a service: what was said of either id stays as it was said.

The table has the columns of `_COLUMNS`; both ids are indexed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.envelope import Event
from contracts.events.people import PersonsMerged
from contracts.persons import Merged
from services.chassis.database import Tx

_COLUMNS = ("statement_id", "revision", "withdrawn", "person_id", "other_id")
_SAVE = """
    insert into merges select * from unnest($1::text[], $2::int[], $3::bool[], $4::text[], $5::text[])
    on conflict (statement_id) do update set revision = excluded.revision, withdrawn = excluded.withdrawn,
        person_id = excluded.person_id, other_id = excluded.other_id
    where merges.revision < excluded.revision"""


async def save_merges(tx: Tx, events: Sequence[Event[PersonsMerged]]) -> None:
    """What is said of two ids; the highest revision holds."""
    newest: dict[str, PersonsMerged] = {}
    for fact in sorted((event.data for event in events), key=lambda fact: fact.revision):
        newest[fact.statement_id] = fact
    await tx.execute(_SAVE, *[[getattr(fact, name) for fact in newest.values()] for name in _COLUMNS])


def one_person(ids: str) -> str:
    """The part `one_person (id)` of a `with recursive`: whom the query `ids` gives, under every id of theirs."""
    return f"""one_person (id) as (
    {ids}
    union
    select beside.id from one_person cross join lateral (
        select other_id as id from merges where person_id = one_person.id and not withdrawn
        union all select person_id from merges where other_id = one_person.id and not withdrawn) beside)"""  # noqa: S608


_MERGED = f"""
with recursive {one_person("select unnest($1::text[])")}
select person_id, other_id from merges where person_id in (select id from one_person) and not withdrawn"""  # noqa: S608


async def load_merged(tx: Tx, people: Iterable[str]) -> Merged:
    """Every merge that bears on these people, as last committed."""
    return Merged((row[0], row[1]) for row in await tx.fetch(_MERGED, sorted(set(people))))
