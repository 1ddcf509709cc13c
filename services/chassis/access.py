"""Who is asking, and for which division: a signed token (JWT, HS256) names the caller, the roles and one division.

Beside our own tokens those of one OpenID Connect issuer are taken (`issuer.py`), if the settings name one. Sent as
`Authorization: Bearer <token>`, or by a browser in the cookie `gridward`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from fastapi import Request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import SecretStr

from contracts.divisions import IN_A_GRID, Divisions, lies_in
from services.chassis.errors import NotAllowed, NotSignedIn

if TYPE_CHECKING:
    from services.chassis.issuer import Issuer

COOKIE = "gridward"
SENDER, WORKER, LEADER, OPERATOR = "sender", "worker", "leader", "operator"
READER, RESIDENT = "identity-reader", "resident"
ROLES = (SENDER, WORKER, LEADER, OPERATOR, READER, RESIDENT)
"""All that a token may give; `READER` opens identities, `RESIDENT` sees his or her own record alone."""
_ALGORITHM = "HS256"
DIVISION = re.compile(f"|[0-9]{{2}}|[0-9]{{4}}|[0-9]{{4}}[0-9A-Z][0-9]|[0-9]{{9}}|[0-9]{{12}}|{IN_A_GRID}")
DIVISION_FORMS = "2, 4, 6, 9, 12 or 15 digits, a micro-grid or a functional area"
"""What `DIVISION` takes, in words, beside nothing for everywhere."""
_AUDIENCE = "gridward"
_CLAIMS = jwt.JWTClaimsRegistry(sub={"essential": True}, exp={"essential": True}, aud={"value": _AUDIENCE})


@dataclass(frozen=True)
class Caller:
    """Who asks. division: a code that bounds what is shown to what lies below it; empty: everywhere.

    Raises NotSignedIn where the name, a role or the division is none that PostgreSQL could be told.
    """

    name: str
    roles: frozenset[str]
    division: str = ""

    def __post_init__(self) -> None:
        if not DIVISION.fullmatch(self.division):
            raise NotSignedIn(
                f"{self.division[:30]!r} is no division that a token can be for: {DIVISION_FORMS}, or nothing for "
                "everywhere"
            )
        if "\0" in self.name or any("\0" in role for role in self.roles):
            raise NotSignedIn("a token's name and roles are texts without a NUL")

    @cached_property
    def divisions(self) -> tuple[str, ...]:
        """The divisions that bound what the caller may see; none for a resident, who sees the own record alone."""
        return () if self.roles == {RESIDENT} else with_taken(self.division)

    def may_see(self, division: str) -> bool:
        """Whether `division` is the caller's own or lies below it."""
        return lies_in(division, self.divisions)

    def require(self, role: str) -> None:
        """Raises NotAllowed without the role."""
        if role not in self.roles:
            raise NotAllowed(f"this needs the role {role!r}: ask for a token that has it")

    def require_division(self, division: str) -> None:
        """Raises NotAllowed outside the caller's division."""
        if not self.may_see(division):
            raise NotAllowed(f"division {division!r} lies outside yours, {self.division!r}")


def with_taken(division: str) -> tuple[str, ...]:
    """A division, and what it takes where it is a functional area."""
    return (division, *Divisions.load().taken_by(division)) if division[4:5].isupper() else (division,)


def make_token(key: SecretStr, name: str, roles: frozenset[str], division: str = "", hours: float = 12) -> str:
    """A token for `name`, valid from now for `hours`. Raises NotSignedIn for a division that no token can be for."""
    caller = Caller(name, roles, division)
    claims = {"sub": name, "roles": sorted(caller.roles), "division": division, "exp": int(time.time() + hours * 3600)}
    return jwt.encode({"alg": _ALGORITHM}, claims, OctKey.import_key(key.get_secret_value()))


def read_token(key: SecretStr, token: str) -> Caller:
    """The caller that a token names. Raises NotSignedIn."""
    caller, expires_at = _verified(key.get_secret_value(), token)
    if time.time() >= expires_at:
        raise NotSignedIn("the token has expired: sign in again")
    return caller


@lru_cache(maxsize=4096)  # a signature stays what it is, and looking at it costs three times what reading a record does
def _verified(key: str, token: str) -> tuple[Caller, float]:
    """The caller, and when the token expires (seconds since 1970)."""
    try:
        claims = jwt.decode(token, OctKey.import_key(key), algorithms=[_ALGORITHM]).claims
        _CLAIMS.validate(claims)
        caller = Caller(str(claims["sub"]), frozenset(map(str, claims["roles"])), str(claims["division"]))
        return caller, float(claims["exp"])
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise NotSignedIn(f"the token is not valid ({error}): sign in again") from None


def signed_in(key: SecretStr, issuer: Issuer | None = None) -> Callable[[Request], Awaitable[Caller]]:
    """A FastAPI dependency that gives the Caller of a request, by a token of ours or of the issuer."""

    async def caller(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = (token if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")).strip()
        if not token:
            raise NotSignedIn("no token: send the header `Authorization: Bearer <token>`, made by `gridward token`")
        if issuer is not None and not is_ours(token):
            return await issuer.caller(token)
        return read_token(key, token)

    return caller


def is_ours(token: str) -> bool:
    """Whether a token says that it is signed in our way; whether it is, `read_token` decides."""
    try:
        return bool(jws.extract_compact(token.encode()).headers().get("alg") == _ALGORITHM)
    except (JoseError, ValueError):
        return True  # refused there, in words
