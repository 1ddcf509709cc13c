"""Who plays: the services as processes, undisturbed on the embedded stack, or twice each with probes beside them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr

from contracts.topics import SERVICES
from deploy.local import embedded_stack
from services.chassis.access import make_token
from tests.faults.chaos.replicas import Replica, Troop
from tests.faults.chaos.servers import Servers

PROBE_MODULE = ("tests.faults.chaos.probe",)
ROLES = frozenset({"sender", "operator"})


def settings(kafka: str, database: str, key: str) -> dict[str, str]:
    """The environment of a process on stage."""
    return {
        "GRIDWARD_KAFKA": kafka,
        "GRIDWARD_DATABASE": database,
        "GRIDWARD_CLOCK": "stage",
        "GRIDWARD_TOKEN_KEY": key,
        "GRIDWARD_VAULT_KEY": key,
        "GRIDWARD_HTTP_HOST": "127.0.0.1",
    }


def client_of(key: str) -> httpx.AsyncClient:
    """A client that shows a token for everything."""
    token = make_token(SecretStr(key), "chaos", ROLES, hours=24)
    return httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60)


def replica_of(service: str, letter: str, environment: Mapping[str, str], logs: Path) -> Replica:
    """One replica. The first of each has a fixed name, so both ways of coming back into the group are met."""
    own = {"GRIDWARD_INSTANCE": letter} if letter == "a" else {}
    module = PROBE_MODULE if service == "probe" else ("services", service)
    return Replica(service, letter, module, {**environment, **own}, logs)


def troop_on(servers: Servers, key: str, logs: Path) -> Troop:
    """Two replicas of each service and two probes, each service behind its own proxy."""
    replicas = []
    for name, proxy in servers.proxies.items():
        environment = settings(f"127.0.0.1:{proxy.port}", servers.postgres.dsn, key)
        replicas += [replica_of(name, letter, environment, logs) for letter in "ab"]
    return Troop(replicas)


@asynccontextmanager
async def undisturbed_stage(logs: Path) -> AsyncIterator[tuple[Troop, httpx.AsyncClient, str]]:
    """One replica of each service on the embedded stack, a client, and the database."""
    key = secrets.token_hex(32)
    async with embedded_stack() as stack, client_of(key) as client:
        environment = settings(stack.kafka, stack.database, key)
        troop = Troop([replica_of(name, "a", environment, logs) for name in SERVICES])
        try:
            await troop.start(client)
            yield troop, client, stack.database
        finally:
            await troop.stop()
