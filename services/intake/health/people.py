"""Whom a message speaks of, whatever its form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple


class Patient(NamedTuple):
    """person: as in canonical records. places: field of the record -> where in the message it stands."""

    person: Mapping[str, str]
    person_ref: str | None
    division_code: str
    places: Mapping[str, str]

    @property
    def is_named(self) -> bool:
        """Whether anybody can be found by it."""
        return bool(self.person_ref or self.person.get("id_number"))

    @property
    def key(self) -> str:
        """By what two mentions in one message are of one person; "" where nobody is named."""
        return self.person.get("id_number") or self.person_ref or ""

    @property
    def digest(self) -> str:
        """Of the key: what is named by a person is not named by an identification number."""
        return hashlib.blake2b(self.key.encode(), digest_size=16).hexdigest()

    @property
    def someone(self) -> dict[str, Any]:
        """The fields of `Someone`."""
        person = {"person": dict(self.person)} if self.person else {}
        return {**person, "person_ref": self.person_ref} if self.person_ref else person
