"""The words by which people and dwellings are searched, and whether one of them is meant by what somebody typed.

A name, whole or without the surname; the first letters of its pinyin; the last four characters of a telephone, an
identification number or a document; the numbers of an address with what stands beside them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from services.intake.rules.documents import plain, plain_phone
from services.intake.rules.names import initials, plain_name
from services.intake.rules.traits import KNOWN_BY, numbers_of


class By(IntEnum):
    """What a word is of; kept beside the word."""

    NAME = 0
    INITIALS = 1
    LAST_FOUR = 2
    ADDRESS = 3


Word = tuple[By, str]

_LAST_FOUR = re.compile(r"\d{3}[\dX]")
_LETTERS = re.compile(r"[A-Za-z][A-Za-z ,.'·-]*")
_NUMBERS = re.compile(r"\d+")
_BESIDE = re.compile(r"[^\W\d_]+")
_UNITS = "栋幢座单元室号楼层弄房门户组"
_MOST_NUMBERS = 4
_MOST_INITIALS = 6


def words_of_person(content: Mapping[str, Any]) -> frozenset[Word]:
    """Of what the vault holds of a person."""
    name = plain_name(content.get("name", ""))
    words: set[Word] = {(By.NAME, part) for part in _parts(name)}
    words |= {(By.INITIALS, each) for each in initials(name)}
    words |= {(By.LAST_FOUR, number[-4:]) for number in _numbers(content) if len(number) >= 4}
    return frozenset(words | _address(content))


def words_of_dwelling(content: Mapping[str, Any]) -> frozenset[Word]:
    """Of what the vault holds of a dwelling."""
    return frozenset(_address(content))


class Sought(NamedTuple):
    """What somebody typed may mean. beside: what has to stand in an address beside its numbers, without units."""

    words: frozenset[Word]
    beside: tuple[str, ...]


def sought(typed: str) -> Sought:
    """Everything that it may mean; no word where it is too short to mean anybody."""
    text = unicodedata.normalize("NFKC", typed).strip()
    words = set[Word]()
    if _LETTERS.fullmatch(text):
        letters = text.replace(" ", "").lower()
        if 2 <= len(letters) <= _MOST_INITIALS:
            words.add((By.INITIALS, letters))
    if len(text) > 1 and not text.isdecimal():
        words.add((By.NAME, plain_name(text)))
    if _LAST_FOUR.fullmatch(plain(text)):
        words.add((By.LAST_FOUR, plain(text)))
    if numbers := _NUMBERS.findall(text)[-_MOST_NUMBERS:]:
        words.add((By.ADDRESS, "-".join(numbers)))
    beside = (each.strip(_UNITS) for each in _BESIDE.findall(_narrow(typed)))
    return Sought(frozenset(words), tuple(each for each in beside if each))


def meant_by(wanted: Sought, words: frozenset[Word], content: Mapping[str, Any]) -> frozenset[By]:
    """In what ways somebody with these words is meant; in none where the address has not what was typed beside it."""
    ways = {by for by, _ in words & wanted.words}
    if By.ADDRESS in ways:
        address = _narrow(content.get("address", ""))
        if not all(each in address for each in wanted.beside):
            ways.discard(By.ADDRESS)
    return frozenset(ways)


def _parts(name: str) -> Iterator[str]:
    """The whole name, and what is left without a surname of one character or two; of letters each word."""
    if not name:
        return
    yield name
    if name.isascii():
        yield from (word for word in name.split() if len(word) > 1)
    elif "·" not in name:
        yield from (name[at:] for at in (1, 2) if len(name) - at >= 2)


def _numbers(content: Mapping[str, Any]) -> Iterator[str]:
    yield from numbers_of(content)
    yield from (
        value for _, _, value in (each.partition(" ") for each in content.get(KNOWN_BY, ())) if "|" not in value
    )
    if "phone" in content:
        yield plain_phone(content["phone"])


def _address(content: Mapping[str, Any]) -> set[Word]:
    """Its last numbers, up to four of them: 3-2-501 finds 12号3幢2单元501室."""
    numbers = _NUMBERS.findall(_narrow(content.get("address", "")))[-_MOST_NUMBERS:]
    return {(By.ADDRESS, "-".join(numbers[at:])) for at in range(len(numbers))}


def _narrow(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
