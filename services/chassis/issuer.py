"""Tokens of an OpenID Connect issuer: its keys fetched as OpenID Connect Discovery 1.0 says, its claims read as ours.

A token must be signed by one of the issuer's keys, name the issuer and our audience, and carry roles and a division.
One that names no division is refused, never taken for one that may see everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from services.chassis.access import Caller
from services.chassis.errors import NotSignedIn
from services.chassis.settings import Settings

log = structlog.get_logger()

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
"""Of public keys alone: an issuer's public key must never be taken for a secret of ours."""
PAUSE_SECONDS = 30.0
"""Between two fetches of the keys: a token with an unknown key must not make us ask at every request."""
TIMEOUT_SECONDS = 5.0
LEEWAY_SECONDS = 30
"""How far the issuer's clock may be from ours."""


class Issuer:
    """One issuer. Its keys are fetched when first needed, and again when a token names one that is not among them."""

    def __init__(self, url: str, audience: str, roles_claim: str, division_claim: str) -> None:
        self._url = url.rstrip("/")
        self._roles_claim, self._division_claim = roles_claim, division_claim
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": url},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._keys: KeySet | None = None
        self._fetched = -PAUSE_SECONDS
        self._fetching = asyncio.Lock()

    @classmethod
    def of(cls, settings: Settings) -> Issuer | None:
        """The issuer of the settings; None where none is named."""
        if settings.issuer is None:
            return None
        claims = settings.issuer_roles_claim, settings.issuer_division_claim
        return cls(settings.issuer, settings.issuer_audience, *claims)

    async def caller(self, token: str) -> Caller:
        """Whom the token names. Raises NotSignedIn."""
        try:
            claims = await self._verified(token)
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotSignedIn(f"the token of {self._url} is not valid ({error}): sign in again") from None
        roles, division = _at(claims, self._roles_claim), _at(claims, self._division_claim)
        if not isinstance(roles, list) or not isinstance(division, str) or not division:
            raise NotSignedIn(
                f"the token of {self._url} has no roles at {self._roles_claim!r} or no division at "
                f"{self._division_claim!r}: ask whoever keeps the accounts to add them"
            )
        return Caller(str(claims["sub"]), frozenset(map(str, roles)), division)

    async def _verified(self, token: str) -> dict[str, Any]:
        keys = self._keys or await self._fetch()
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        except (InvalidKeyIdError, ValueError):  # a key that the issuer has made since
            return jwt.decode(token, await self._fetch(), algorithms=ALGORITHMS).claims

    async def _fetch(self) -> KeySet:
        async with self._fetching:
            if self._keys is not None and time.monotonic() - self._fetched < PAUSE_SECONDS:
                return self._keys
            self._fetched = time.monotonic()
            try:
                self._keys = await self._ask()
            except (httpx.HTTPError, ValueError, KeyError) as error:
                log.warning("the issuer's keys cannot be fetched", issuer=self._url, error=repr(error))
                if self._keys is None:
                    raise NotSignedIn(f"{self._url} does not give its keys now: try again in a minute") from None
            return self._keys

    async def _ask(self) -> KeySet:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            known = (await client.get(f"{self._url}/.well-known/openid-configuration")).raise_for_status().json()
            return KeySet.import_key_set((await client.get(known["jwks_uri"])).raise_for_status().json())


def _at(claims: Mapping[str, Any], path: str) -> object:
    """The claim at a path of names with dots, as in "realm_access.roles"; None where it ends early."""
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
