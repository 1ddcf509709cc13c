"""API keys of senders: one feed each, scoped to divisions and kinds, kept as a hash, revocable at once.

A key is told once, when it is made: "gw_<key_id>_<secret>". What is kept is SHA-256 of the secret: it has 256 random
bits, so nothing is gained by a slow hash, and every request would pay for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from contracts.divisions import Divisions
from contracts.envelope import DivisionCode
from services.chassis.access import Caller, with_taken
from services.chassis.database import Tx
from services.chassis.errors import NotAllowed, NotSignedIn
from services.intake.fields import Feed
from services.intake.records import KINDS
from services.intake.sender import Sender
from services.intake.store import keys

HEADER = "x-api-key"
_FORM = re.compile(r"gw_([a-z0-9]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


class KeyAsked(BaseModel):
    """POST /keys: what the key may be used for. records_a_minute: of one process of intake."""

    model_config = ConfigDict(extra="forbid")

    feed: Feed
    divisions: list[DivisionCode] = Field(min_length=1, max_length=100)
    kinds: list[str] = Field(default_factory=lambda: sorted(KINDS), min_length=1)
    records_a_minute: int = Field(default=60_000, ge=1, le=10_000_000)
    note: str = Field(default="", max_length=200, description="whose it is, and how they are reached")

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        if unknown := set(kinds) - KINDS.keys():
            raise ValueError(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        return sorted(set(kinds))

    @field_validator("divisions")
    @classmethod
    def _exist(cls, divisions: list[str]) -> list[str]:
        if unknown := [code for code in divisions if not Divisions.load().knows(code)]:
            raise ValueError(f"no such division: {', '.join(unknown)}; give a village's code or a higher one")
        return sorted(set(divisions))


async def make_key(tx: Tx, now: datetime, caller: Caller, asked: KeyAsked) -> dict[str, str]:
    """The key, told this once. Raises NotAllowed for a division that is not the caller's."""
    for division in asked.divisions:
        caller.require_division(division)
    key_id = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(12))
    secret = secrets.token_urlsafe(32)
    scope = keys.Scope(asked.feed, asked.divisions, asked.kinds, asked.records_a_minute)
    await keys.insert(tx, key_id, _hash(secret), scope, asked.note, caller.name, now)
    return {"key_id": key_id, "key": f"gw_{key_id}_{secret}"}


async def sender_of_key(tx: Tx, key: str) -> Sender:
    """Who sends with this key. Raises NotSignedIn, which says no more than that."""
    form = _FORM.fullmatch(key.strip())
    held = await keys.find(tx, form.group(1)) if form else None
    if form is None or held is None or not hmac.compare_digest(held.secret_hash, _hash(form.group(2))):
        raise NotSignedIn("the API key is not valid: it was mistyped or revoked; ask for another one")
    scope = held.scope
    divisions = tuple(each for division in scope.divisions for each in with_taken(division))
    return Sender(form.group(1), divisions, scope.feed, frozenset(scope.kinds), scope.records_a_minute)


async def revoke(tx: Tx, now: datetime, caller: Caller, key_id: str) -> None:
    """From the next request on. Raises NotAllowed, for a key that is not there as for another division's."""
    if not await keys.divisions_of(tx, key_id):
        raise NotAllowed(f"no key {key_id!r} of your division: list yours with GET /keys")
    await keys.revoke(tx, key_id, caller.name, now)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
