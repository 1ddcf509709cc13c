"""Who turned out to be whom, as far as a batch has to know."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.persons import Merged
from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.rollup.store.copying import as_json

_ANY = "select exists (select from merges where not withdrawn)"
_NAMED = """
    select person_id, other_id from merges
    where not withdrawn and (person_id in (select json_array_elements_text($1))
                             or other_id in (select json_array_elements_text($1)))"""


async def any_stand(tx: Tx) -> bool:
    """Whether any two ids mean one person at all."""
    return bool(await tx.fetchval(_ANY))


async def load_bearing_on(tx: Tx, people: Iterable[str]) -> Merged:
    """The merges that bear on these, of whom few are merged."""
    pairs = await tx.fetch(_NAMED, as_json(sorted(set(people))))
    return await load_merged(tx, {each for pair in pairs for each in pair}) if pairs else Merged()
