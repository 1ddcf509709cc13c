"""POST /people/openings: names, numbers, telephones and addresses by id, for somebody whose work needs them.

What is opened is told to the caller and kept nowhere else; each look, a refused one too, stands in the access record of
the person (or dwelling) looked at. Whoever lies outside the caller's division is answered as if there were nobody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import from_json

from services.chassis.access import READER, RESIDENT, Caller
from services.chassis.database import Tx
from services.chassis.errors import NotAllowed
from services.intake.rules.numbers import names_a_resident
from services.intake.store import accesses, people
from services.intake.store.accesses import Look
from services.intake.vault import Vault

OWN, OVERSIGHT = "own record", "oversight"
"""Purposes of those who do not give one."""
MOST = 200
HELD: Mapping[str, Mapping[str, Mapping[str, str]]] = tomllib.loads(
    files("services.intake").joinpath("held.toml").read_text(encoding="utf-8")
)
"""person, dwelling -> field -> the rule that needs it, and why in both languages."""


class Purpose(StrEnum):
    """What identity may be opened for: each a task of the four notices, or a right of residents."""

    CANVASSING = "canvassing"
    TRACING = "tracing"
    REPORTING = "reporting"
    ORDER = "order"
    TRANSFER = "transfer"
    CARE = "care"
    TESTING = "testing"
    CORRECTION = "correction"
    APPEAL = "appeal"


def _nobody_named(note: str) -> str:
    if names_a_resident(note):
        raise ValueError("no identification or telephone number: this is read by others")
    return note


ReadByOthers = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$"), AfterValidator(_nobody_named)]


class Purposed(BaseModel):
    """What a look is for. Both are kept in the access record; the note names nobody."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose
    note: ReadByOthers = ""

    def look(self, caller: Caller, act: str) -> Look:
        return Look(caller.name, act, self.purpose.value, self.note)


class Opening(Purposed):
    """At most MOST ids together."""

    person_ids: list[Annotated[str, Field(max_length=64)]] = []
    dwelling_ids: list[Annotated[str, Field(max_length=64)]] = []

    @model_validator(mode="after")
    def _bounded(self) -> Opening:
        if not 1 <= len(self.person_ids) + len(self.dwelling_ids) <= MOST:
            raise ValueError(f"ask for 1 to {MOST} ids at once")
        return self


async def open_people(tx: Tx, now: datetime, caller: Caller, asked: Opening, vault: Vault) -> dict[str, Any]:
    """`people` and `dwellings` by id, those that are known and the caller's to see; `not_shown`: the other ids.

    Nobody is shown to a caller without the role.
    """
    is_reader = READER in caller.roles
    persons = await people.load_persons(tx, asked.person_ids if is_reader else [])
    dwellings = await people.load_dwellings(tx, asked.dwelling_ids if is_reader else [])
    await accesses.record(tx, now, asked.look(caller, "opening"), [*persons, *dwellings])
    return {
        "people": {each: opened(vault, each, row) for each, row in persons.items()},
        "dwellings": {each: opened(vault, each, row) for each, row in dwellings.items()},
        "not_shown": sorted({*asked.person_ids, *asked.dwelling_ids} - persons.keys() - dwellings.keys()),
    }


def opened(vault: Vault, owner: str, row: people.PersonRow | people.DwellingRow) -> dict[str, Any]:
    """A row in the clear, with its division."""
    return {**from_json(vault.open(row.sealed, owner)), "division_code": row.division_code}


def is_self(caller: Caller, person_id: str) -> bool:
    return RESIDENT in caller.roles and caller.name == person_id


def require_self(caller: Caller, person_id: str) -> None:
    """Raises NotAllowed."""
    if not is_self(caller, person_id):
        raise NotAllowed(f"this needs the role {RESIDENT!r} and a token whose name is this person_id: one's own record")


def own_look(caller: Caller) -> Look:
    return Look(caller.name, "own", OWN)


async def own_view(tx: Tx, now: datetime, caller: Caller, person_id: str, vault: Vault) -> dict[str, Any] | None:
    """What is held of a person, and why, for the person alone; None if nothing is, or it is somebody else who asks."""
    rows = await people.load_persons(tx, [person_id] if is_self(caller, person_id) else [])
    await accesses.record(tx, now, own_look(caller), rows.keys())
    if person_id not in rows:
        return None
    content = opened(vault, person_id, rows[person_id])
    division = content.pop("division_code")
    held = [{"field": name, "value": value, **HELD["person"][name]} for name, value in content.items()]
    return {"person_id": person_id, "division_code": division, "held": held}
