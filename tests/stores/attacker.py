"""Somebody who has the log, every key that ever was, and the database, and knows who a person is: which ids are theirs?

Every route from something known of a person to an id that the log carries; each is named, so that a control can show
that it leads somewhere as long as the person is held.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.chassis.sealing import CannotOpen, derived
from services.intake.desk import PEPPER
from services.intake.identity import BORN, DWELLING_REF, PERSON_REF, PHONE
from services.intake.reading import read
from services.intake.rules.recognise import content_of
from services.intake.rules.traits import ID_NUMBER
from services.intake.salts import _bound
from services.intake.sender import Sender
from services.intake.vault import _LETTERS, Pepper, Vault, record_id

_PURPOSES = (b"seal", b"find")
_ANYBODY = Sender("anybody", ("",))
_SEALED = {
    "vault_persons": ("person_id", "person_id"),
    "vault_dwellings": ("dwelling_id", "dwelling_id"),
    "vault_decisions": ("person_id", "statement_id"),
}
"""Of each table whose row is named, and to what its content is bound."""


@dataclass(frozen=True)
class Victim:
    """Everything that somebody may know. texts: names, numbers, telephones, addresses; records: as they were sent.

    births: as `born_keys` writes them.
    """

    numbers: tuple[str, ...]
    refs: tuple[str, ...]
    phones: tuple[str, ...]
    dwellings: tuple[str, ...]
    births: tuple[str, ...]
    texts: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]


class Log:
    """The events, and which ids lead to which people in it."""

    def __init__(self, events: Iterable[bytes]) -> None:
        self.text = b"\n".join(events)
        self._people: dict[str, set[str]] = {}
        for event in map(json.loads, self.text.splitlines()):
            named = set(_people_in(event["data"]))
            for name in (event["causation"], event["id"], event["data"].get("dwelling_id"), *named):
                if name:
                    self._people.setdefault(name, set()).update(named)

    def people(self, ids: Iterable[str]) -> set[str]:
        return {person for each in ids for person in self._people.get(each, ())}

    @property
    def ids(self) -> set[str]:
        return set(self._people)


def _people_in(fact: Mapping[str, Any]) -> Iterator[str]:
    yield from (fact[name] for name in ("person_id", "other_id") if name in fact)
    yield from (member["person_id"] for member in fact.get("members", ()))


class Attacker:
    def __init__(self, db: asyncpg.Connection | asyncpg.Pool, secrets: Mapping[int, bytes], log: Log) -> None:
        self._db, self._secrets, self._log = db, secrets, log
        self._vault = Vault(secrets, list(secrets))

    async def routes(self, victim: Victim) -> dict[str, set[str]]:
        """By the name of the route: the people of the log to which it leads."""
        pepper = Pepper(await self._pepper())
        found = {
            "hashes": await self._by_hashes(victim),
            "telephones": await self._by_phones(victim),
            "births": await self._by_births(victim),
            "opened rows": await self._by_opening(victim),
            "source ids": await self._by_rows(self._found_by(pepper, victim)),
            "contents": await self._by_contents(pepper, victim),
            "ids drawn again": self._drawn(await self._keys(), self._found_by(pepper, victim)),
            "hashes of what is known": self._guessed(await self._keys(), victim),
            "plain text": {"the log itself"}
            if any(text.encode() in self._log.text for text in victim.texts)
            else set(),
        }
        return {name: self._log.people(ids) | (ids & {"the log itself"}) for name, ids in found.items()}

    async def _pepper(self) -> bytes:
        return self._vault.open(await self._db.fetchval("select sealed from vault_pepper"), PEPPER)

    async def _keys(self) -> list[bytes]:
        """Every secret, whatever is derived of it, the pepper, and every salt that is left."""
        keys = [*self._secrets.values(), await self._pepper()]
        keys += [derived(secret, purpose) for secret in self._secrets.values() for purpose in _PURPOSES]
        salts = await self._db.fetch("select week, sealed from vault_salts")
        return keys + [self._vault.open(row["sealed"], _bound(row["week"])) for row in salts]

    async def _by_hashes(self, victim: Victim) -> set[str]:
        named = {ID_NUMBER: victim.numbers, PERSON_REF: victim.refs, DWELLING_REF: victim.dwellings}
        hashes = [
            f.found_by for kind, values in named.items() for each in values for f in self._vault.finds(kind, each)
        ]
        rows = await self._db.fetch("select owner_id from vault_keys where found_by = any($1::bytea[])", hashes)
        return {row[0] for row in rows}

    async def _by_phones(self, victim: Victim) -> set[str]:
        hashes = [find.found_by for each in victim.phones for find in self._vault.finds(PHONE, each)]
        rows = await self._db.fetch(
            "select person_id from vault_persons where phone_found_by = any($1::bytea[])", hashes
        )
        return {row[0] for row in rows}

    async def _by_births(self, victim: Victim) -> set[str]:
        hashes = [find.found_by for each in victim.births for find in self._vault.finds(BORN, each)]
        rows = await self._db.fetch(
            "select person_id from vault_persons where born_found_by = any($1::bytea[])", hashes
        )
        return {row[0] for row in rows}

    async def _by_opening(self, victim: Victim) -> set[str]:
        """Everything opened; a rejected row leads on by the record that it was to be."""
        found = set[str]()
        for table, (owner, bound_to) in _SEALED.items():
            for row in await self._db.fetch(f"select {owner} id, sealed, {bound_to} bound_to from {table}"):
                if self._speaks_of(victim, row["sealed"], row["bound_to"]):
                    found.add(row["id"])
        rows = await self._db.fetch(
            "select body_hash, of_record, sealed from vault_rejects where of_record is not null"
        )
        return found | await self._by_rows(
            [row["of_record"] for row in rows if self._speaks_of(victim, row["sealed"], row["body_hash"].hex())]
        )

    def _speaks_of(self, victim: Victim, sealed: bytes, bound_to: str) -> bool:
        try:
            opened = self._vault.open(sealed, bound_to)
        except CannotOpen:
            return False
        return any(text.encode() in opened for text in victim.texts)

    def _found_by(self, pepper: Pepper, victim: Victim) -> list[bytes]:
        pairs = []
        for record in victim.records:
            content = read(json.dumps(record).encode(), _ANYBODY).record
            if content is not None:
                source_id = content.source_id or pepper.content_hash(content_of(content)).hex()
                pairs.append(pepper.found_by(content.feed, source_id))
        return pairs

    async def _by_rows(self, found_by: list[bytes]) -> set[str]:
        rows = await self._db.fetch("select record_id from records where found_by = any($1::bytea[])", found_by)
        return {row[0] for row in rows if row[0]}

    async def _by_contents(self, pepper: Pepper, victim: Victim) -> set[str]:
        contents = (read(json.dumps(record).encode(), _ANYBODY).record for record in victim.records)
        hashes = [pepper.content_hash(content_of(content)) for content in contents if content]
        rows = await self._db.fetch(
            "select record_id from records where content_hash = any($1::bytea[]) or earlier && $1::bytea[]", hashes
        )
        return {row[0] for row in rows if row[0]}

    def _drawn(self, keys: Iterable[bytes], found_by: Iterable[bytes]) -> set[str]:
        drawn = {record_id(key[:64], each) for key in keys for each in found_by}
        owners = {Pepper(key[:64]).owner_id(each, 1, place) for key in keys for each in drawn for place in range(3)}
        return (drawn | owners) & self._log.ids

    def _guessed(self, keys: Iterable[bytes], victim: Victim) -> set[str]:
        """Any usual hash of anything known, with any key or none, in the letters of our ids."""
        known = [text.encode() for text in (*victim.texts, *victim.numbers, *victim.refs, *victim.phones)]
        known += [
            f"{record['feed']}\0{record['source_id']}".encode() for record in victim.records if "source_id" in record
        ]
        letters = _LETTERS
        digests = {
            digest[:size].translate(letters).decode()
            for text in known
            for key in (b"", *keys)
            for digest in _hashes(key[:64], text)
            for size in (16, 20)
        }
        return digests & self._log.ids


def _hashes(key: bytes, text: bytes) -> Iterator[bytes]:
    yield hashlib.sha256(key + text).digest()
    yield hmac.digest(key, text, "sha256")
    for size in (16, 20):
        for person in (b"", b"record", b"owner", b"found", b"content"):
            yield hashlib.blake2b(text, digest_size=size, key=key, person=person).digest()
