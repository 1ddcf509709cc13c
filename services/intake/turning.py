"""Turning the vault's keys: a start with two keys seals anew what the old one sealed, and finds it by the new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic_core import from_json

from services.chassis.database import Tx
from services.chassis.service import App
from services.intake.identity import DWELLING_REF, ID_NUMBER, PERSON_REF, PERSON_REFS, person_row
from services.intake.store import books, people
from services.intake.vault import Find, Vault

log = structlog.get_logger()

_ROWS = 1000
"""Of one transaction; about 0.1 s."""


async def turn_keys(app: App, vault: Vault) -> None:
    """Returns when nothing is sealed with an older key. Each step is committed, so it may be broken off."""
    for turn_some in (_turn_persons, _turn_dwellings, _turn_rejects):
        turned = await _until_none(app, vault, turn_some)
        log.info("sealed with the new key", rows=turned, of=turn_some.__name__.removeprefix("_turn_"))
    log.info("every row is sealed with the new key: leave the others out of GRIDWARD_VAULT_KEY", version=vault.version)


async def _until_none(app: App, vault: Vault, turn_some: Callable[[Tx, Vault], Awaitable[int]]) -> int:
    turned = 0
    while True:
        async with app.transaction() as turn:
            some = await turn_some(turn.tx, vault)
        turned += some
        if not some:
            return turned


async def _turn_persons(tx: Tx, vault: Vault) -> int:
    rows = await people.sealed_before(tx, "vault_persons", vault.version, _ROWS)
    contents: dict[str, dict[str, Any]] = {each: from_json(vault.open(sealed, each)) for each, _, sealed in rows}
    finds = {
        find: person_id
        for person_id, content in contents.items()
        for find in (
            *(vault.finds(ID_NUMBER, content[ID_NUMBER]) if ID_NUMBER in content else ()),
            *(find for ref in content.get(PERSON_REFS, ()) for find in vault.finds(PERSON_REF, ref)),
        )
    }
    await people.add_keys(tx, finds)
    await people.save_persons(tx, [person_row(vault, each, division, contents[each]) for each, division, _ in rows])
    return len(rows)


async def _turn_dwellings(tx: Tx, vault: Vault) -> int:
    rows = await people.sealed_before(tx, "vault_dwellings", vault.version, _ROWS)
    opened = [(each, division, vault.open(sealed, each)) for each, division, sealed in rows]
    finds = dict[Find, str]()
    for dwelling_id, _, content in opened:
        finds |= dict.fromkeys(vault.finds(DWELLING_REF, from_json(content)["ref"]), dwelling_id)
    await people.add_keys(tx, finds)
    anew = [people.DwellingRow(each, division, vault.seal(content, each)) for each, division, content in opened]
    await people.save_dwellings(tx, anew)
    return len(rows)


async def _turn_rejects(tx: Tx, vault: Vault) -> int:
    rows = await books.rejects_sealed_before(tx, vault.version, _ROWS)
    opened = {body_hash: vault.open(sealed, body_hash.hex()) for body_hash, sealed in rows}
    await books.seal_rejects_anew(tx, {each: vault.seal(line, each.hex()) for each, line in opened.items()})
    return len(rows)
