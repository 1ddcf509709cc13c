"""Keys of the vault: what is sealed with them, what is found by them, and the ids that say nothing of anybody.

Numbers, names and addresses are sealed, each bound to the id of its row. A person is found again by HMAC-SHA256 of
the number or the reference. `Pepper` is a random key of the database, sealed in it and never changed: what records are
found by stays the same when the vault's keys are turned (`services/chassis/keyring.py` says how that is done).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from services.chassis.sealing import Seals, derived


class Find(NamedTuple):
    """A keyed hash (16 bytes) under which someone or something is found, and the version of its key."""

    found_by: bytes
    key_version: int


BUCKET_BITS = 12


class Vault(Seals):
    """Seals and finds. Holds keys, no data."""

    def __init__(self, secrets: Mapping[int, bytes], in_use: Sequence[int] = ()) -> None:
        """As `Seals`."""
        super().__init__(secrets, b"seal", in_use)
        self._finds = [(version, HMAC(derived(secrets[version], b"find"), SHA256())) for version in self.in_use]

    def finds(self, kind: str, value: str) -> tuple[Find, ...]:
        """The keyed hashes of a value under every key in use, the newest first: whoever is kept is kept under all."""
        content = f"{kind}\0{value}".encode()
        return tuple([Find(_mac(keyed, content)[:16], version) for version, keyed in self._finds])

    def bucket(self, kind: str, value: str) -> int:
        """The newest of these cut to BUCKET_BITS, which many values share: what lies there is opened and compared."""
        _, newest = self._finds[0]
        return _cut(_mac(newest, f"{kind}\0{value}".encode()))

    def buckets(self, kind: str, value: str) -> tuple[int, ...]:
        """All of them cut so, the newest first."""
        return tuple([_cut(find.found_by) for find in self.finds(kind, value)])


def _mac(keyed: HMAC, content: bytes) -> bytes:
    """`keyed` is copied, not made anew: `hmac.digest` takes thrice as long."""
    mac = keyed.copy()
    mac.update(content)
    return mac.finalize()


def _cut(hashed: bytes) -> int:
    return int.from_bytes(hashed[:4]) >> (32 - BUCKET_BITS)


_EXPORTED = "gridward:"
_FOUND_BY = re.compile("[0-9a-f]{32}")


class Pepper:
    """Keyed hashes of records: nobody without the key can guess a number from the hash of what was sent."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @staticmethod
    def new() -> bytes:
        return os.urandom(32)

    def content_hash(self, content: bytes) -> bytes:
        """16 bytes."""
        return hashlib.blake2b(content, digest_size=16, key=self._key, person=b"content").digest()

    def found_by(self, feed: str, source_id: str) -> bytes:
        """16 bytes by which a record is found again. What was exported is its own record."""
        if source_id.startswith(_EXPORTED):
            exported = source_id[len(_EXPORTED) :].partition(":")[0]
            its_own = bytes.fromhex(exported) if _FOUND_BY.fullmatch(exported) else b""
            if hmac.compare_digest(source_id.encode(), self.exported_id(feed, its_own).encode()):
                return its_own
        name = f"{feed}\0{source_id}".encode()
        return hashlib.blake2b(name, digest_size=16, key=self._key, person=b"found").digest()

    def store_key(self, post_id: str) -> bytes:
        """32 bytes for what a worker's phone keeps; nobody works it out from the post's id."""
        return hashlib.blake2b(post_id.encode(), digest_size=32, key=self._key, person=b"store").digest()

    def exported_id(self, feed: str, found_by: bytes) -> str:
        """The source_id under which a record is exported: nobody without the key can make one of another's record."""
        mac = hashlib.blake2b(f"{feed}\0".encode() + found_by, digest_size=16, key=self._key, person=b"exported")
        return f"{_EXPORTED}{found_by.hex()}:{mac.hexdigest()}"

    def owner_id(self, record_id: str, revision: int, place: int) -> str:
        """16 characters (80 bits) for whom a record is the first to name there: of the record, not of who it is.

        Random to whoever has no key; drawn again alike when a restored database admits the record again.
        """
        name = f"{record_id}.{revision}.{place}".encode()
        return _text(hashlib.blake2b(name, digest_size=16, key=self._key, person=b"owner").digest())


def record_id(salt: bytes, found_by: bytes) -> str:
    """20 characters (100 bits) for a record that is new in the week of the salt.

    Drawn again alike when a restored database admits the record again; by nobody once the salt is destroyed.
    """
    return _text(hashlib.blake2b(found_by, digest_size=20, key=salt, person=b"record").digest())


# Each byte to one of 32 characters that nobody mistakes for another: five bits a character.
_LETTERS = b"abcdefghijkmnpqrstuvwxyz23456789" * 8


def _text(raw: bytes) -> str:
    return raw.translate(_LETTERS).decode()
