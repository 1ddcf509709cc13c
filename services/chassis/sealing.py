"""What is encrypted at rest: AES-256-GCM with the keys of GRIDWARD_VAULT_KEY, each value bound to the id of its row.

The setting is one secret, or while keys are turned "2:<new> 1:<old>": the highest version seals, all of them open.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from services.chassis.errors import Refused, WrongSettings

_NONCE = 12
_SHORTEST_KEY = 32
_ONE_KEY = re.compile(r"(?:(\d{1,3}):)?(\S+)")


class CannotOpen(Refused):
    """A sealed value does not open: its key is missing from GRIDWARD_VAULT_KEY, or the row was altered."""


def vault_keys(setting: SecretStr | None) -> dict[int, bytes]:
    """Version (1-255) -> secret, from GRIDWARD_VAULT_KEY. Raises WrongSettings."""
    secret = setting.get_secret_value() if setting else ""
    keys: dict[int, bytes] = {}
    for word in re.split(r"[\s,]+", secret.strip()):
        match = _ONE_KEY.fullmatch(word)
        version = int(match.group(1) or 1) if match else 0
        if not match or len(match.group(2)) < _SHORTEST_KEY or not 1 <= version <= 255 or version in keys:
            raise WrongSettings(
                f"GRIDWARD_VAULT_KEY: give {_SHORTEST_KEY} or more random characters, as of `openssl rand -hex 32`; "
                'to turn keys, "2:<new> 1:<old>", each version (1-255) once'
            )
        keys[version] = match.group(2).encode()
    return keys


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose; none says anything of another."""
    return hmac.digest(key, b"gridward vault " + purpose, "sha256")


class Seals:
    """Seals and opens for one purpose. Holds keys, no data."""

    def __init__(self, keys: Mapping[int, bytes], purpose: bytes) -> None:
        """keys: version (1-255) -> secret; the highest version seals."""
        self.version = max(keys)
        self._seals = {version: AESGCM(derived(key, purpose)) for version, key in keys.items()}

    @property
    def is_turning(self) -> bool:
        """Whether there is a key beside the one that seals."""
        return len(self._seals) > 1

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
