"""What the door works with beside the database: the vault's keys, the pepper, the divisions, the clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from contracts.divisions import Divisions
from services.chassis.database import Tx
from services.chassis.keyring import Keyring
from services.chassis.sealing import needed_keys
from services.chassis.settings import Settings
from services.intake.salts import Salts
from services.intake.store import people
from services.intake.vault import Pepper, Vault
from services.intake.where import Where

PEPPER = "pepper"


@dataclass(frozen=True)
class Desk:
    """One a process; vault: with the keys that were in use when it was opened, `held` or `read`."""

    ring: Keyring[Vault]
    vault: Vault
    pepper: Pepper
    salts: Salts
    where: Where
    clock: Literal["wall", "stage"]

    async def held(self, tx: Tx) -> Desk:
        """For a transaction that writes. Raises KeyNotKnown."""
        return replace(self, vault=await self.ring.hold(tx))

    async def read(self, tx: Tx) -> Desk:
        """For a transaction that opens only. Raises KeyNotKnown."""
        return replace(self, vault=await self.ring.read(tx))


async def open_desk(tx: Tx, settings: Settings) -> Desk:
    """Raises WrongSettings without a key, KeyNotKnown or CannotOpen with one that is not this database's."""
    ring = Keyring(needed_keys(settings), Vault)
    before = await people.find_pepper(tx)
    vault = await ring.begin(tx, [before[0]] if before else [])
    sealed = await people.keep_pepper(tx, vault.seal(Pepper.new(), PEPPER))
    pepper = Pepper(vault.open(sealed, PEPPER))
    return Desk(ring, vault, pepper, Salts(), Where(Divisions.load()), settings.clock)
