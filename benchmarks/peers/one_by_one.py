"""FastStream as its documentation begins: one message at a time, here with one upsert for its six levels."""

from __future__ import annotations

import asyncio
import os

import asyncpg
from faststream import ContextRepo, FastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

LEVELS = (2, 4, 6, 9, 12, 15)
TABLE = "create table if not exists figures (division_code text primary key, value bigint not null)"
UPSERT = """
insert into figures select code, 1 from unnest($1::text[]) code
on conflict (division_code) do update set value = figures.value + 1"""


class Screening(BaseModel):
    """The part of an event that is used."""

    id: str
    division: str


broker = KafkaBroker(os.environ["KAFKA"])
app = FastStream(broker)


@app.on_startup
async def connect(context: ContextRepo) -> None:
    pool = await asyncpg.create_pool(os.environ["DATABASE"], min_size=1)
    await pool.execute(TABLE)
    context.set_global("pool", pool)


@broker.subscriber(os.environ["TOPIC"], group_id=os.environ["GROUP"], auto_offset_reset="earliest")
async def on_screening(screening: Screening) -> None:
    pool: asyncpg.Pool = app.context.get("pool")
    await pool.execute(UPSERT, [screening.division[:length] for length in LEVELS])


asyncio.run(app.run())
