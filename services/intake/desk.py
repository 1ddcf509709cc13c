"""What the door works with beside the database: the vault's keys, the pepper, the divisions, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.divisions import Divisions
from services.chassis.database import Tx
from services.chassis.settings import Settings
from services.intake.store import people
from services.intake.vault import Pepper, Vault
from services.intake.where import Where

_PEPPER = "pepper"


@dataclass
class Desk:
    """One a process."""

    vault: Vault
    pepper: Pepper
    where: Where
    clock: Literal["wall", "stage"]


async def open_desk(tx: Tx, settings: Settings) -> Desk:
    """Raises WrongSettings without a key, CannotOpen with one that is not this database's."""
    vault = Vault.of_setting(settings.vault_key)
    sealed = await people.pepper_row(tx, vault.seal(Pepper.new(), _PEPPER))
    pepper = vault.open(sealed, _PEPPER)
    if sealed[0] != vault.version:
        await people.seal_pepper_anew(tx, vault.seal(pepper, _PEPPER))
    return Desk(vault, Pepper(pepper), Where(Divisions.load()), settings.clock)
