"""POST /people/lookups: the random ids of people whose numbers, references or telephones the caller already knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.chassis.access import Caller
from services.chassis.database import Tx
from services.chassis.merges import load_merged
from services.intake.identity import PERSON_REF, PHONE
from services.intake.opening import ReadByOthers
from services.intake.rules.documents import DocumentKind, plain_document, plain_id_number, plain_phone
from services.intake.rules.traits import ID_NUMBER
from services.intake.store import accesses, people
from services.intake.vault import Vault

MOST = 1000


class Lookup(BaseModel):
    """At most MOST names together; the purpose is kept in each found person's access record."""

    model_config = ConfigDict(extra="forbid")

    purpose: Annotated[ReadByOthers, Field(min_length=5)]
    id_numbers: list[str] = []
    person_refs: list[str] = []
    phones: list[str] = []

    @model_validator(mode="after")
    def _bounded(self) -> Lookup:
        if len(self.id_numbers) + len(self.person_refs) + len(self.phones) > MOST:
            raise ValueError(f"more than {MOST} names in one look-up: send the rest in another")
        return self


async def look_up(
    tx: Tx, now: datetime, caller: Caller, asked: Lookup, vault: Vault
) -> dict[str, Mapping[str, object]]:
    """Names -> ids, those that are known and live in the caller's division; a telephone may be several people's.

    Of ids that are merged the one that is kept.
    """
    numbers = {name: plain_id_number(name) for name in asked.id_numbers}
    found = {
        "id_numbers": await _owners(tx, vault, ID_NUMBER, numbers),
        "person_refs": await _owners(tx, vault, PERSON_REF, {name: name.strip() for name in asked.person_refs}),
    }
    phones = await _by_phone(tx, vault, asked.phones)
    named = [each for names in found.values() for each in names.values()]
    seen = await people.load_persons(tx, {*named, *(each for ids in phones.values() for each in ids)})
    kept = (await load_merged(tx, seen)).kept
    await accesses.record(tx, now, accesses.Look(caller.name, "lookup", asked.purpose), seen.keys())
    answer: dict[str, Mapping[str, object]] = {
        form: {name: kept(each) for name, each in names.items() if each in seen} for form, names in found.items()
    }
    if asked.phones:
        of_phone = {name: sorted({kept(each) for each in ids if each in seen}) for name, ids in phones.items()}
        answer["phones"] = {name: ids for name, ids in of_phone.items() if ids}
    return answer


async def _owners(tx: Tx, vault: Vault, kind: str, names: Mapping[str, str]) -> dict[str, str]:
    hashes = {name: [find.found_by for find in vault.finds(kind, value)] for name, value in names.items()}
    owners = await people.find_owners(tx, [each for found_by in hashes.values() for each in found_by])
    return {name: owners[each] for name, found_by in hashes.items() for each in found_by if each in owners}


async def _by_phone(tx: Tx, vault: Vault, phones: Sequence[str]) -> dict[str, list[str]]:
    meant = {find.found_by: phone for phone in phones for find in vault.finds(PHONE, plain_phone(phone))}
    answer: dict[str, list[str]] = {}
    for found_by, person_id in await people.persons_by_phone(tx, list(meant)):
        answer.setdefault(meant[found_by], []).append(person_id)
    return answer


async def known_by(tx: Tx, vault: Vault, words: Iterable[str]) -> set[str]:
    """Everybody of whom one of the words is the whole number, document, reference or telephone, however written."""
    named = [*words]
    values = {(kind, word) for word in named for kind in (ID_NUMBER, PERSON_REF)}
    values |= {(ID_NUMBER, plain_id_number(word)) for word in named}
    values |= {(kind, plain_document(kind, word) or word) for word in named for kind in DocumentKind}
    hashes = [find.found_by for kind, word in values for find in vault.finds(kind, word)]
    owners = await people.find_owners(tx, hashes)
    return {*owners.values(), *(each for ids in (await _by_phone(tx, vault, named)).values() for each in ids)}
