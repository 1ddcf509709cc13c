"""What of the vault is sealed anew, and found by the new key, when its key is turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic_core import from_json

from services.chassis.database import Tx
from services.chassis.turning import Part
from services.intake.desk import PEPPER
from services.intake.identity import by_name, dwelling_row, finds_of_dwelling, finds_of_person, person_row
from services.intake.salts import seal_anew
from services.intake.store import books, merges, people, salts
from services.intake.vault import Find, Vault


async def _persons(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    """The hashes first, then the rows: in this order does an admission lock them too."""
    rows = await people.persons_after(tx, after, limit)
    found = {row.person_id: finds_of_person(vault, from_json(vault.open(row.sealed, row.person_id))) for row in rows}
    await people.add_keys(tx, await _whose(tx, found))
    locked = await people.load_persons(tx, [row.person_id for row in rows], lock=True)
    contents = {each: from_json(vault.open(row.sealed, each)) for each, row in locked.items()}
    anew = [person_row(vault, each, row.division_code, contents[each]) for each, row in locked.items()]
    await people.save_persons(tx, anew)
    return [row.person_id for row in rows]


async def _whose(tx: Tx, found: Mapping[str, Sequence[Find]]) -> dict[Find, str]:
    """Whom each name means: whom it means under another key, for of two who were merged one bears the other's too."""
    known = await people.find_owners(tx, [find.found_by for finds in found.values() for find in finds])
    whose = dict[Find, str]()
    for owner, finds in found.items():
        for name in by_name(finds):
            meant = next((known[find.found_by] for find in name if find.found_by in known), owner)
            whose |= dict.fromkeys(name, meant)
    return whose


async def _dwellings(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    rows = await people.dwellings_after(tx, after, limit)
    found = {
        row.dwelling_id: finds_of_dwelling(vault, from_json(vault.open(row.sealed, row.dwelling_id))) for row in rows
    }
    await people.add_keys(tx, await _whose(tx, found))
    locked = await people.load_dwellings(tx, [row.dwelling_id for row in rows], lock=True)
    contents = {each: from_json(vault.open(row.sealed, each)) for each, row in locked.items()}
    anew = [dwelling_row(vault, each, row.division_code, contents[each]) for each, row in locked.items()]
    await people.save_dwellings(tx, anew)
    return [row.dwelling_id for row in rows]


async def _rejects(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    rows = await books.rejects_after(tx, bytes.fromhex(after), limit)
    opened = {body_hash: vault.open(sealed, body_hash.hex()) for body_hash, sealed in rows}
    await books.seal_rejects_anew(tx, {each: vault.seal(line, each.hex()) for each, line in opened.items()})
    return [each.hex() for each in opened]


async def _reasons(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    rows = await merges.decisions_after(tx, after, limit)
    opened = [(each, vault.open(each.sealed, each.statement_id)) for each in rows]
    await merges.seal_decisions_anew(tx, [e._replace(sealed=vault.seal(why, e.statement_id)) for e, why in opened])
    return [f"{each.statement_id} {each.revision}" for each in rows]


async def _pepper(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    sealed = await people.find_pepper(tx)
    if sealed is not None:
        await people.seal_pepper_anew(tx, vault.seal(vault.open(sealed, PEPPER), PEPPER))
    return []


async def _salts(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    await salts.replace(tx, {week: seal_anew(vault, week, sealed) for week, sealed in await salts.load_all(tx)})
    return []


async def _old_hashes(tx: Tx, vault: Vault, after: str, limit: int) -> Sequence[str]:
    return [each.hex() for each in await people.drop_old_keys(tx, vault.version, bytes.fromhex(after), limit)]


PARTS = (
    Part("persons", _persons),
    Part("dwellings", _dwellings),
    Part("rejects", _rejects),
    Part("reasons", _reasons),
    Part("pepper", _pepper),
    Part("salts", _salts),
    Part("old hashes", _old_hashes, after_old=True),
)
