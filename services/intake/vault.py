"""Keys of the vault: what is sealed with them, what is found by them, and the ids that say nothing of anybody.

Numbers, names and addresses are sealed with AES-256-GCM, each bound to the id of its row. A person is found again by
HMAC-SHA256 of the number or the reference. `Pepper` is a random key of the database, sealed in it and never changed:
record ids and content hashes stay the same when the vault's keys are turned.

Turning keys: stop every replica, start them with GRIDWARD_VAULT_KEY="2:<new> 1:<old>". The start seals everything anew
(`turning`); what is said in its log is that 1 may now be left out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from services.chassis.errors import Refused, WrongSettings

_NONCE = 12
_SHORTEST_KEY = 32
_ONE_KEY = re.compile(r"(?:(\d{1,3}):)?(\S+)")


class CannotOpen(Refused):
    """A sealed value does not open: its key is missing from GRIDWARD_VAULT_KEY, or the row was altered."""


class Find(NamedTuple):
    """A keyed hash (16 bytes) under which someone or something is found, and the version of its key."""

    found_by: bytes
    key_version: int


class Vault:
    """Seals and finds. Holds keys, no data."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        """keys: version (1-255) -> secret; the highest version seals."""
        self.version = max(keys)
        self._seals = {version: AESGCM(_derived(key, b"seal")) for version, key in keys.items()}
        self._finds = [(version, _derived(key, b"find")) for version, key in sorted(keys.items(), reverse=True)]

    @property
    def is_turning(self) -> bool:
        """Whether there is a key beside the one that seals."""
        return len(self._seals) > 1

    @classmethod
    def of_setting(cls, setting: SecretStr | None) -> Vault:
        """From GRIDWARD_VAULT_KEY. Raises WrongSettings."""
        secret = setting.get_secret_value() if setting else ""
        keys: dict[int, bytes] = {}
        for word in re.split(r"[\s,]+", secret.strip()):
            match = _ONE_KEY.fullmatch(word)
            version = int(match.group(1) or 1) if match else 0
            if not match or len(match.group(2)) < _SHORTEST_KEY or not 1 <= version <= 255 or version in keys:
                raise WrongSettings(
                    f"GRIDWARD_VAULT_KEY: give {_SHORTEST_KEY} or more random characters, as of `openssl rand -hex 32`;"
                    ' to turn keys, "2:<new> 1:<old>", each version (1-255) once'
                )
            keys[version] = match.group(2).encode()
        return cls(keys)

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Version (1 byte), nonce (12), ciphertext with its tag (plain + 16)."""
        nonce = os.urandom(_NONCE)
        return bytes((self.version,)) + nonce + self._seals[self.version].encrypt(nonce, plain, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed for this row. Raises CannotOpen."""
        key = self._seals.get(sealed[0])
        if key is None:
            raise CannotOpen(f"sealed with key version {sealed[0]}: add that key to GRIDWARD_VAULT_KEY, then restart")
        try:
            return key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound_to.encode())
        except InvalidTag:
            raise CannotOpen(
                f"a row sealed with key version {sealed[0]} does not open: give the key that sealed it"
            ) from None

    def finds(self, kind: str, value: str) -> tuple[Find, ...]:
        """The keyed hashes of a value, the newest key's first."""
        content = f"{kind}\0{value}".encode()
        return tuple([Find(hmac.digest(key, content, "sha256")[:16], version) for version, key in self._finds])


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"gridward vault " + purpose, "sha256")


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

    def record_id(self, feed: str, source_id: str) -> str:
        """20 characters (100 bits); feed and source_id cannot be read from it."""
        name = f"{feed}\0{source_id}".encode()
        return _text(hashlib.blake2b(name, digest_size=20, key=self._key, person=b"record").digest())


def random_id() -> str:
    """16 characters (80 random bits) for a person or a dwelling."""
    return _text(os.urandom(16))


# Each byte to one of 32 characters that nobody mistakes for another: five bits a character.
_LETTERS = b"abcdefghijkmnpqrstuvwxyz23456789" * 8


def _text(raw: bytes) -> str:
    return raw.translate(_LETTERS).decode()
