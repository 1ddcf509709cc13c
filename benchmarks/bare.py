"""Limits: what PostgreSQL and HTTP take where nothing else is done."""

from __future__ import annotations

import asyncio
import io
import time

import asyncpg
from pydantic import SecretStr

from benchmarks.door import CONNECTIONS, JSON, Records
from benchmarks.lab import Lab, ready
from benchmarks.wire import Line, lines
from deploy.local import free_port
from services.chassis.database import open_pool
from services.chassis.service import Service
from services.chassis.settings import Settings

OF_THE_DOOR = ("records", "vault_keys", "vault_persons", "vault_dwellings", "vault_words", "calls", "residents")
"""Tables in which a visit leaves rows; those of the outbox are gone when it has been relayed."""
OF_THE_FIGURES = ("counted", "history", "sums", "places")


async def bare_copy(lab: Lab, service: Service, database: str, tables: tuple[str, ...], records: int) -> float:
    """Records a second: the rows that the service has left, by COPY into empty tables like its own, keys and all."""
    source = await asyncpg.connect(database, server_settings={"search_path": service.name})
    async with lab.own_database("bare") as empty:
        settings = Settings(database=empty, token_key=SecretStr(lab.token), _env_file=None)
        pool = await open_pool(service.name, service.schema, settings)
        try:
            return records / sum([await _copied(source, pool, table) for table in tables])
        finally:
            await pool.close()
            await source.close()


async def _copied(source: asyncpg.Connection, pool: asyncpg.Pool, table: str) -> float:
    """Seconds."""
    rows = io.BytesIO()
    await source.copy_from_table(table, output=rows, format="binary")
    rows.seek(0)
    began = time.perf_counter()
    await pool.copy_to_table(table, source=rows, format="binary")
    return time.perf_counter() - began


async def bare_http(lab: Lab, records: Records, wanted: int) -> float:
    """Records a second, one a request, of a server that answers each without looking at it."""
    port = free_port()
    url, left = f"http://127.0.0.1:{port}", iter(records.take(wanted))

    async def keep_sending(line: Line) -> None:
        for body in left:
            await line.post("/records", body, JSON)

    async with lab.peer("bare_http", PORT=port):
        await ready(url)
        async with lines(url, CONNECTIONS, lab.token) as opened:
            began = time.perf_counter()
            await asyncio.gather(*map(keep_sending, opened))
            return wanted / (time.perf_counter() - began)
