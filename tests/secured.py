"""Apache Kafka that lets in whom it knows: TLS with certificates on both sides, and SASL by SCRAM."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from deploy.local.apache import SETTINGS, apache_kafka
from deploy.local.children import free_port
from tests.certificates import Pair, a_pair

_LISTENER = "listener.name.secured"


@asynccontextmanager
async def secured_kafka(folder: Path, password: str) -> AsyncIterator[str]:
    """The address by which its user `grid` is let in."""
    server, client = a_pair(folder, "kafka"), a_pair(folder, "gridward")
    user = f"SCRAM-SHA-512=[name=grid,password={password}]"
    port = free_port()
    async with apache_kafka(behind={"SECURED": (port, port)}, settings=_settings(server, client), users=[user]):
        files = f"ca={quote(server.certificate)}&certificate={quote(client.certificate)}&key={quote(client.key)}"
        yield f"kafka+tls://grid:{quote(password, safe='')}@127.0.0.1:{port}?{files}"


def _settings(server: Pair, client: Pair) -> dict[str, str]:
    both = Path(server.certificate).with_suffix(".both")
    both.write_text(Path(server.key).read_text() + Path(server.certificate).read_text())
    return {
        "listener.security.protocol.map": SETTINGS["listener.security.protocol.map"] + ",SECURED:SASL_SSL",
        f"{_LISTENER}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{_LISTENER}.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        f"{_LISTENER}.ssl.keystore.type": "PEM",
        f"{_LISTENER}.ssl.keystore.location": str(both),
        f"{_LISTENER}.ssl.truststore.type": "PEM",
        f"{_LISTENER}.ssl.truststore.location": client.certificate,
        f"{_LISTENER}.ssl.client.auth": "required",
    }
