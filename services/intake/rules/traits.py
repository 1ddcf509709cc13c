"""By what somebody is found beside a number and a reference, and what is compared where nothing is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from services.intake.parts import Dwelling, Person
from services.intake.rules.documents import FOR_LIFE, plain_phone
from services.intake.rules.matching import Traits
from services.intake.rules.names import plain_name, surname_key

ID_NUMBER, ID_NUMBERS, KNOWN_BY = "id_number", "id_numbers", "known_by"
NEWBORN, WITH_PHONE, WITH_DWELLING = "newborn", "name_birth_phone", "name_birth_dwelling"


def is_named(person: Person, *, at_home: bool) -> bool:
    """Whether the person can be found again. at_home: the record names the dwelling too."""
    if person.id_number is not None or person.documents or next(_newborn(person), None):
        return True
    return bool(person.name and person.birth_date and (person.phone or at_home))


def keys_of(person: Person, dwelling: Dwelling | None, *, by_ref: bool) -> list[tuple[str, str]]:
    """(kind, value) of each: documents; a newborn by the guardian; without any of these name, birth date and a place.

    The last are exact, so that who has no document is one person in every record that writes him alike.
    """
    keys = [(each.kind.value, each.value) for each in person.documents or ()]
    keys += _newborn(person)
    if keys or by_ref or person.id_number is not None or not person.name or person.birth_date is None:
        return keys
    whole = f"{plain_name(person.name)}|{person.birth_date.isoformat()}"
    if person.phone:
        keys.append((WITH_PHONE, f"{whole}|{plain_phone(person.phone)}"))
    if dwelling is not None:
        keys.append((WITH_DWELLING, f"{whole}|{dwelling.dwelling_id or dwelling.ref}"))
    return keys


def _newborn(person: Person) -> Iterator[tuple[str, str]]:
    """Twins of one mother differ by the order of birth."""
    guardian = person.guardian
    if guardian is None or person.birth_date is None:
        return
    for form in (ID_NUMBER, "person_ref"):
        if name := getattr(guardian, form):
            yield NEWBORN, f"{form}:{name}|{person.birth_date.isoformat()}|{guardian.birth_order}"


def traits_of(content: Mapping[str, Any], dwellings: Iterable[str]) -> Traits:
    """What the vault's content of a person is compared by."""
    documents: dict[str, frozenset[str]] = {}
    for each in content.get(KNOWN_BY, ()):
        kind, _, value = each.partition(" ")
        if kind in FOR_LIFE:
            documents[kind] = documents.get(kind, frozenset()) | {value}
    if numbers := numbers_of(content):
        documents[ID_NUMBER] = frozenset(numbers)
    return Traits(
        name=plain_name(content.get("name", "")),
        birth_date=birth_date_of(content),
        sex=content.get("sex", ""),
        phones=frozenset([plain_phone(content["phone"])] if "phone" in content else ()),
        dwellings=frozenset(dwellings),
        documents=documents,
    )


def numbers_of(content: Mapping[str, Any]) -> set[str]:
    """Every identification number by which the person was ever named."""
    return {*content.get(ID_NUMBERS, ()), *([content[ID_NUMBER]] if ID_NUMBER in content else ())}


def birth_date_of(content: Mapping[str, Any]) -> date | None:
    """As it was said, else as it stands in the identification number."""
    if "birth_date" in content:
        return date.fromisoformat(content["birth_date"])
    number = content.get(ID_NUMBER)
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14])) if number else None


def born_keys(name: str, born: date | None) -> list[str]:
    """Under which candidates are kept: birth date and the surname's reading. The first is one's own.

    The others are those of whom day and month were exchanged.
    """
    if not name or born is None:
        return []
    surname = surname_key(name)
    keys = [f"{born.isoformat()}|{surname}"]
    if born.day <= 12 and born.day != born.month:
        keys.append(f"{date(born.year, born.day, born.month).isoformat()}|{surname}")
    return keys
