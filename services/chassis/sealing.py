"""What is encrypted at rest: AES-256-GCM with the keys of GRIDWARD_VAULT_KEY, each value bound to the id of its row.

The setting is one secret, or several with their versions: "1:<old> 2:<new>". All of them open; which of them seal is
written in the database (`keyring.py`), and the one named first is to seal from now on if its version is the highest.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.errors import Refused, WrongSettings
from services.chassis.settings import Settings

_NONCE = 12
_SHORTEST_SEAL = 1 + _NONCE + 16
_SHORTEST_KEY = 32
_ONE_KEY = re.compile(r"(?:(\d{1,3}):)?(\S+)")


class CannotOpen(Refused):
    """A sealed value does not open: its key is missing from GRIDWARD_VAULT_KEY, or the row was altered."""


class Keys(NamedTuple):
    """secrets: by version (1-255). first: the version named first, which is to seal."""

    secrets: Mapping[int, bytes]
    first: int


def vault_keys(settings: Settings) -> Keys | None:
    """From GRIDWARD_VAULT_KEY or the file that GRIDWARD_VAULT_KEY_FILE names; None without. Raises WrongSettings."""
    if settings.vault_key_file is None:
        return read_keys(settings.vault_key.get_secret_value()) if settings.vault_key is not None else None
    if settings.vault_key is not None:
        raise WrongSettings("give GRIDWARD_VAULT_KEY or GRIDWARD_VAULT_KEY_FILE, not both")
    try:
        return read_keys(settings.vault_key_file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise WrongSettings(f"GRIDWARD_VAULT_KEY_FILE cannot be read: {type(error).__name__}; mend it") from None


def needed_keys(settings: Settings) -> Keys:
    """As `vault_keys`. Raises WrongSettings where there is none."""
    return vault_keys(settings) or read_keys("")


def read_keys(text: str) -> Keys:
    """Raises WrongSettings."""
    secrets: dict[int, bytes] = {}
    for word in re.split(r"[\s,]+", text.strip()):
        match = _ONE_KEY.fullmatch(word)
        version = int(match.group(1) or 1) if match else 0
        if not match or len(match.group(2)) < _SHORTEST_KEY or not 1 <= version <= 255 or version in secrets:
            raise WrongSettings(
                f"GRIDWARD_VAULT_KEY: give {_SHORTEST_KEY} or more random characters, as of `openssl rand -hex 32`; "
                'to turn keys, "1:<old> 2:<new>", then "2:<new> 1:<old>", each version (1-255) once'
            )
        secrets[version] = match.group(2).encode()
    return Keys(secrets, next(iter(secrets)))


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose; none says anything of another."""
    return hmac.digest(key, b"gridward vault " + purpose, "sha256")


class Seals:
    """Seals and opens for one purpose. Holds keys, no data. in_use: versions, the one that seals first."""

    def __init__(self, secrets: Mapping[int, bytes], purpose: bytes, in_use: Sequence[int] = ()) -> None:
        """secrets: by version (1-255), all of which open. in_use: those of the database; the highest alone if empty."""
        self.in_use = tuple(sorted(in_use or [max(secrets)], reverse=True))
        self.version = self.in_use[0]
        self._seals = {version: AESGCM(derived(key, purpose)) for version, key in secrets.items()}

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Version (1 byte), nonce (12), ciphertext with its tag (plain + 16)."""
        nonce = os.urandom(_NONCE)
        return bytes((self.version,)) + nonce + self._seals[self.version].encrypt(nonce, plain, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed for this row. Raises CannotOpen."""
        if len(sealed) < _SHORTEST_SEAL:
            raise CannotOpen("a sealed value was cut short: put the row back from a copy of the database")
        key = self._seals.get(sealed[0])
        if key is None:
            raise CannotOpen(f"sealed with key version {sealed[0]}: add that key to GRIDWARD_VAULT_KEY, then restart")
        try:
            return key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound_to.encode())
        except InvalidTag:
            raise CannotOpen(
                f"a row sealed with key version {sealed[0]} does not open: give the key that sealed it"
            ) from None
