"""The servers of a run: Apache Kafka, behind one proxy for each consumer or producer, and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.local import free_port
from deploy.local.apache import ApacheKafka, apache_kafka
from deploy.local.postgres import Postgres, embedded_postgres
from tests.faults.chaos.proxy import Proxy


@dataclass(frozen=True)
class Servers:
    """proxies: by service; its replicas reach the broker through it alone."""

    kafka: ApacheKafka
    postgres: Postgres
    proxies: Mapping[str, Proxy]

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the harness's own. Raises OSError or asyncpg.PostgresError while the server is away."""
        connection = await asyncpg.connect(self.postgres.dsn, timeout=10, server_settings={"application_name": "chaos"})
        try:
            yield connection
        finally:
            connection.terminate()


@asynccontextmanager
async def servers_behind_proxies(names: Sequence[str]) -> AsyncIterator[Servers]:
    """Both servers on free ports, gone with their data after the block; a proxy for each name."""
    ports = {name: (free_port(), free_port()) for name in names}
    behind = {name.upper(): (bound, told) for name, (bound, told) in ports.items()}
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(embedded_postgres())
        kafka = await stack.enter_async_context(apache_kafka(behind=behind))
        proxies = {name: Proxy(told, bound) for name, (bound, told) in ports.items()}
        for proxy in proxies.values():
            await proxy.start()
            stack.push_async_callback(proxy.stop)
        yield Servers(kafka, postgres, proxies)
