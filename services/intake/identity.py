"""Who a record names, kept in the vault: each mention to its random id, and what was said of the person sealed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from services.chassis.database import Tx
from services.intake.parts import Dwelling
from services.intake.rules.documents import plain_phone
from services.intake.rules.mentions import Mention
from services.intake.rules.names import plain_name
from services.intake.rules.searching import Word, words_of_dwelling, words_of_person
from services.intake.rules.traits import ID_NUMBER, ID_NUMBERS, KNOWN_BY, birth_date_of, born_keys, keys_of, numbers_of
from services.intake.store import people
from services.intake.vault import BUCKET_BITS, Find, Vault

PERSON_REF, PHONE, DWELLING_REF, BORN = "person_ref", "phone", "dwelling_ref", "born"
PERSON_REFS, DWELLING_REFS = "person_refs", "dwelling_refs"
"""Every reference by which one was ever named; with ID_NUMBERS and KNOWN_BY all by which a person is found."""


class Subject(NamedTuple):
    """A person or a dwelling as a record gives it. given: what is to be kept of it, sealed."""

    field: str
    finds: tuple[Find, ...]
    division_code: str
    given: Mapping[str, Any]
    is_person: bool
    lives_there: bool = True


def subject_of_mention(vault: Vault, mention: Mention, dwelling: Dwelling | None = None) -> Subject:
    """A person, found by number, documents and reference. dwelling: of the record, where its people live in it."""
    person, finds = mention.person, tuple[Find, ...]()
    given = {} if person is None else person.model_dump(mode="json", exclude_none=True)
    if person is not None and person.id_number is not None:
        finds = vault.finds(ID_NUMBER, person.id_number)
        given[ID_NUMBERS] = [person.id_number]
    keys = keys_of(person, dwelling, by_ref=mention.person_ref is not None) if person is not None else ()
    if keys:
        finds += tuple(find for kind, value in keys for find in vault.finds(kind, value))
        given[KNOWN_BY] = sorted(f"{kind} {value}" for kind, value in keys)
    if mention.person_ref is not None:
        finds += vault.finds(PERSON_REF, mention.person_ref)
        given[PERSON_REFS] = [mention.person_ref]
    if mention.person_id is not None:
        finds += (own_id(mention.person_id),)
    return Subject(mention.field or "person", finds, mention.division_code, given, True, mention.lives_there)


def subject_of_dwelling(vault: Vault, dwelling: Dwelling, division_code: str) -> Subject:
    """A dwelling, found by its reference."""
    given = dwelling.model_dump(mode="json", exclude_none=True, exclude={"dwelling_id"})
    finds = tuple[Find, ...]()
    if dwelling.ref is not None:
        finds, given[DWELLING_REFS] = vault.finds(DWELLING_REF, dwelling.ref), [dwelling.ref]
    if dwelling.dwelling_id is not None:
        finds += (own_id(dwelling.dwelling_id),)
    return Subject("dwelling", finds, division_code, given, False)


OWN_ID = 0
"""In the place of a key's version: what is found is the id itself, which a sender had from here."""


def own_id(owner_id: str) -> Find:
    """Someone or something by the random id that intake gave; never kept as a key."""
    return Find(owner_id.encode(), OWN_ID)


def by_name(finds: Iterable[Find]) -> list[list[Find]]:
    """The finds of each name together: one for each key in use, in the order of the keys."""
    names = list[list[Find]]()
    for find in finds:
        if (
            not names
            or OWN_ID in (find.key_version, names[-1][0].key_version)
            or (find.key_version == names[-1][0].key_version)
        ):
            names.append([])
        names[-1].append(find)
    return names


async def keep_subjects(tx: Tx, vault: Vault, named: Iterable[tuple[str, Subject]]) -> None:
    """What records said of persons and dwellings (id, subject), over what was known; later ones win."""
    persons, dwellings = dict[str, _Given](), dict[str, _Given]()
    for owner, subject in named:
        into = persons if subject.is_person else dwellings
        before = into.get(owner)
        given = _joined(before.given if before else {}, subject.given)
        lived = before if before and before.lives_there and not subject.lives_there else subject
        into[owner] = _Given(lived.division_code, given, lived.lives_there)
    if persons:
        await _keep_persons(tx, vault, persons)
    if dwellings:
        await _keep_dwellings(tx, vault, dwellings)


class _Given(NamedTuple):
    division_code: str
    given: Mapping[str, Any]
    lives_there: bool

    def division(self, row: people.PersonRow | people.DwellingRow | None) -> str:
        """Where the person is now said to live."""
        return self.division_code if self.lives_there or row is None else row.division_code


def _joined(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The later word counts, save that every reference and number by which one was ever named is kept."""
    joined = {**before, **given}
    for every in (PERSON_REFS, DWELLING_REFS, ID_NUMBERS, KNOWN_BY):
        if every in before and every in given:
            joined[every] = sorted({*before[every], *given[every]})
    return joined


async def _keep_persons(tx: Tx, vault: Vault, given: Mapping[str, _Given]) -> None:
    rows = await people.load_persons(tx, given)
    changed = {each: said for each, said in given.items() if _changes(vault, each, rows.get(each), said)}
    if rows.keys() & changed.keys():
        rows = await people.load_persons(tx, changed, lock=True)
    saved = []
    for person_id, said in changed.items():
        content = _joined(_content(vault, person_id, rows.get(person_id)), said.given)
        saved.append(person_row(vault, person_id, said.division(rows.get(person_id)), content))
    await people.add_persons(tx, [row for row in saved if row.person_id not in rows])
    await people.save_persons(tx, [row for row in saved if row.person_id in rows])


async def _keep_dwellings(tx: Tx, vault: Vault, given: Mapping[str, _Given]) -> None:
    rows = await people.load_dwellings(tx, given)
    changed = {each: said for each, said in given.items() if _changes(vault, each, rows.get(each), said)}
    if rows.keys() & changed.keys():
        rows = await people.load_dwellings(tx, changed, lock=True)
    saved = []
    for dwelling_id, said in changed.items():
        content = _joined(_content(vault, dwelling_id, rows.get(dwelling_id)), said.given)
        saved.append(dwelling_row(vault, dwelling_id, said.division_code, content))
    await people.add_dwellings(tx, [row for row in saved if row.dwelling_id not in rows])
    await people.save_dwellings(tx, [row for row in saved if row.dwelling_id in rows])


def _changes(vault: Vault, owner: str, row: people.PersonRow | people.DwellingRow | None, said: _Given) -> bool:
    if row is None or row.division_code != said.division(row) or row.sealed[0] != vault.version:
        return True
    content = _content(vault, owner, row)
    return _joined(content, said.given) != content


def _content(vault: Vault, owner: str, row: people.PersonRow | people.DwellingRow | None) -> dict[str, Any]:
    content: dict[str, Any] = from_json(vault.open(row.sealed, owner)) if row else {}
    return content


def finds_of_person(vault: Vault, content: Mapping[str, Any]) -> list[Find]:
    """Everything by which a person of this content is found in `vault_keys`."""
    named = [(ID_NUMBER, number) for number in sorted(numbers_of(content))]
    named += [(PERSON_REF, ref) for ref in content.get(PERSON_REFS, ())]
    named += [(kind, value) for kind, _, value in (each.partition(" ") for each in content.get(KNOWN_BY, ()))]
    return [find for kind, value in named for find in vault.finds(kind, value)]


def finds_of_dwelling(vault: Vault, content: Mapping[str, Any]) -> list[Find]:
    """The same of a dwelling."""
    refs = {*content.get(DWELLING_REFS, ()), *([content["ref"]] if "ref" in content else ())}
    return [find for ref in sorted(refs) for find in vault.finds(DWELLING_REF, ref)]


def person_row(vault: Vault, person_id: str, division_code: str, content: Mapping[str, Any]) -> people.PersonRow:
    """A person as the vault keeps one, under its newest key."""
    found_by, key_version = vault.finds(PHONE, plain_phone(content["phone"]))[0] if "phone" in content else (None, None)
    born = born_keys(plain_name(content.get("name", "")), birth_date_of(content))
    return people.PersonRow(
        person_id,
        division_code,
        found_by,
        key_version,
        vault.seal(to_json(content), person_id),
        vault.finds(BORN, born[0])[0].found_by if born else None,
        bool(numbers_of(content)),
        _buckets(vault, words_of_person(content)),
    )


def dwelling_row(vault: Vault, dwelling_id: str, division_code: str, content: Mapping[str, Any]) -> people.DwellingRow:
    """A dwelling as the vault keeps one, under its newest key."""
    sealed = vault.seal(to_json(content), dwelling_id)
    return people.DwellingRow(dwelling_id, division_code, sealed, _buckets(vault, words_of_dwelling(content)))


def buckets_of(vault: Vault, word: Word) -> list[int]:
    """Where a word is looked for, under every key in use."""
    by, value = word
    return [by << BUCKET_BITS | bucket for bucket in vault.buckets(by.name, value)]


def _buckets(vault: Vault, words: Iterable[Word]) -> tuple[int, ...]:
    """Where words are kept, under the newest key alone."""
    return tuple(sorted({by << BUCKET_BITS | vault.bucket(by.name, value) for by, value in words}))
