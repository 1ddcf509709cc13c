"""What every fact of a record begins with: its statement's id, in which nobody is named, and the record's revision."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from contracts.envelope import Fact
from services.intake.common import Common


class Ids(NamedTuple):
    """What the vault made of a record: its own id, its people in the order of their mentions, its dwelling.

    followed: of a step, the id of the record that it follows; people then holds whom that one is about.
    """

    record_id: str
    people: Sequence[str]
    dwelling_id: str = ""
    followed: str = ""


class Saying(NamedTuple):
    """A fact and the division in which it is recorded."""

    division: str
    fact: Fact


def head(record: Common, ids: Ids, role: str, member: str = "") -> dict[str, Any]:
    about = f".{member}" if member else ""
    return {"statement_id": f"{ids.record_id}.{role}{about}", "revision": record.revision}


def of_person(record: Common, ids: Ids, role: str) -> dict[str, Any]:
    """Of a record that is about one person."""
    return {**head(record, ids, role, ids.people[0]), "person_id": ids.people[0]}


def short(name: str) -> str:
    """A sender's name of 1-64 characters as a part of a statement's id."""
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
