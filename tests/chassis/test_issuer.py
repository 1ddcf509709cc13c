"""Tokens of an OpenID Connect issuer, its keys fetched over HTTP from a server that keeps them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey
from pydantic import SecretStr
from starlette.requests import Request

from services.chassis import issuer as module
from services.chassis.access import Caller, make_token, signed_in
from services.chassis.errors import NotSignedIn
from services.chassis.issuer import Issuer

KEY = SecretStr("k" * 32)


@dataclass
class Accounts:
    """An issuer: its keys, and how often it was asked for them."""

    url: str
    keys: list[Key] = field(default_factory=list)
    asked: int = 0

    def turn_keys(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"kid": f"key-{time.monotonic_ns()}"})]

    def token(self, key: Any = None, alg: str = "ES256", **claims: Any) -> str:
        said = {
            "iss": self.url, "aud": "gridward", "sub": "wang", "exp": int(time.time()) + 600, "division": "330421",
            "realm_access": {"roles": ["operator"]}, **claims,
        }  # fmt: skip
        key = key or self.keys[0]
        return jwt.encode({"alg": alg, "kid": key.kid}, {k: v for k, v in said.items() if v is not None}, key)


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked += self.path == "/keys"
            said = KeySet(known.keys).as_dict() if self.path == "/keys" else {"jwks_uri": f"{known.url}/keys"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    known = Accounts(f"http://127.0.0.1:{server.server_port}")
    known.turn_keys()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def issuer(accounts: Accounts) -> Issuer:
    return Issuer(accounts.url, "gridward", "realm_access.roles", "division")


async def test_a_token_of_the_issuer_names_the_caller(accounts: Accounts, issuer: Issuer) -> None:
    caller = await issuer.caller(accounts.token())
    assert caller == Caller("wang", frozenset({"operator"}), "330421")
    await issuer.caller(accounts.token(sub="li"))
    assert accounts.asked == 1, "the keys are kept"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.example"}, {"aud": "another"}, {"exp": 1}, {"exp": None}, {"sub": None},
        {"division": None}, {"division": ""}, {"division": 33}, {"realm_access": None}, {"realm_access": "operator"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_lacks_anything_is_refused(
    accounts: Accounts, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    with pytest.raises(NotSignedIn):
        await issuer.caller(accounts.token(**wrong))


async def test_a_strangers_signature_is_refused(accounts: Accounts, issuer: Issuer) -> None:
    strange = ECKey.generate_key("P-256", {"kid": str(accounts.keys[0].kid)})
    with pytest.raises(NotSignedIn):
        await issuer.caller(accounts.token(strange))


async def test_the_issuers_public_key_is_no_secret_of_ours(accounts: Accounts, issuer: Issuer) -> None:
    """Signed by HS256 with the public key's text: libraries have fallen for it."""
    held = accounts.keys[0]
    public = OctKey.import_key(json.dumps(held.as_dict(private=False)), {"kid": str(held.kid)})
    with pytest.raises(NotSignedIn):
        await issuer.caller(accounts.token(public, alg="HS256"))


async def test_a_key_that_was_turned_is_fetched_but_not_at_every_request(
    accounts: Accounts, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await issuer.caller(accounts.token())
    accounts.turn_keys()
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            await issuer.caller(accounts.token())
    assert accounts.asked == 1
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    assert (await issuer.caller(accounts.token())).name == "wang"
    assert accounts.asked == 2


async def test_an_issuer_that_is_away_is_said_so(issuer: Issuer, accounts: Accounts) -> None:
    away = Issuer("http://127.0.0.1:1", "gridward", "roles", "division")
    with pytest.raises(NotSignedIn, match="try again"):
        await away.caller(accounts.token())


async def test_our_own_tokens_are_taken_beside_the_issuers(accounts: Accounts, issuer: Issuer) -> None:
    caller = signed_in(KEY, issuer)

    async def of(token: str) -> Caller:
        return await caller(Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]}))

    assert (await of(make_token(KEY, "duty", frozenset(), "33"))).name == "duty"
    assert (await of(accounts.token())).name == "wang"
    with pytest.raises(NotSignedIn):
        await of("no.token.at-all")
