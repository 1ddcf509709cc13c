"""Kafka and PostgreSQL in containers, where a Docker engine answers."""

from __future__ import annotations

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from testcontainers.core.container import DockerContainer

from deploy.local.apache import SETTINGS
from deploy.local.broker import answers_as
from deploy.local.children import free_port
from deploy.local.postgres import accepts_connections

_KAFKA = "apache/kafka:4.1.2"
_POSTGRES = "postgres:18"


def docker_reachable() -> bool:
    """Whether an engine answers within 5 s."""
    words = ["docker", "info", "--format", "{{.ServerVersion}}"]
    try:
        return subprocess.run(words, capture_output=True, timeout=5).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class DockerKafka:
    """One KRaft node in a container of this machine's engine, on a port that stays over stops and starts."""

    def __init__(self) -> None:
        self._port = free_port()
        self.kafka = f"127.0.0.1:{self._port}"
        self._cluster_id = uuid.uuid4().hex[:22]
        self._container = DockerContainer(_KAFKA).with_bind_ports(9092, self._port).with_envs(**self._environment())
        self._made = False

    async def start(self) -> None:
        """Starts it; returns when it answers. Harmless when it runs."""
        first, again = self._container.start, lambda: self._container.get_wrapped_container().start()
        await asyncio.to_thread(again if self._made else first)
        self._made = True
        if not await answers_as(self._cluster_id, self.kafka, lambda: True):
            raise RuntimeError(f"another Kafka answers on {self.kafka}: run the tests again")

    async def stop(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().stop)

    async def kill(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().kill)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def remove(self) -> None:
        await asyncio.to_thread(self._container.stop)

    def _environment(self) -> dict[str, str]:
        settings = {
            **SETTINGS,
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://{self.kafka}",
            "controller.quorum.voters": "1@localhost:9093",
        }
        words = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
        return {**words, "CLUSTER_ID": self._cluster_id}


@asynccontextmanager
async def docker_kafka() -> AsyncIterator[DockerKafka]:
    """A running Kafka, its container removed after the block."""
    server = DockerKafka()
    try:
        await server.start()
        yield server
    finally:
        await server.remove()


@asynccontextmanager
async def docker_postgres() -> AsyncIterator[str]:
    """DSN of a running PostgreSQL, its container removed after the block."""
    port = free_port()
    container = DockerContainer(_POSTGRES).with_bind_ports(5432, port).with_envs(POSTGRES_HOST_AUTH_METHOD="trust")
    dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    try:
        await asyncio.to_thread(container.start)
        await accepts_connections(dsn, lambda: True)
        yield dsn
    finally:
        await asyncio.to_thread(container.stop)
