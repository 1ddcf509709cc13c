"""A plain FastAPI handler as one writes it first: check the record, insert a row, publish, answer.

Nothing ties the row to the message, nothing recognises a repeat, no identity is kept apart: it does less than the door.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, ValidationError

TABLE = "create table if not exists records (source_id text primary key, division_code text, record jsonb)"
INSERT = "insert into records values ($1, $2, $3) on conflict do nothing"


class Visit(BaseModel):
    """A visit to a household, as the door's own records have it."""

    feed: str
    source_id: str
    division_code: str
    dwelling: dict[str, str]
    round_id: str
    visited_at: datetime
    members: list[dict[str, Any]]


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA"], acks="all")
    await producer.start()
    async with asyncpg.create_pool(os.environ["DATABASE"], min_size=10, max_size=10) as pool:
        await pool.execute(TABLE)
        app.state.pool, app.state.producer = pool, producer
        yield
    await producer.stop()


app = FastAPI(lifespan=connected)


async def take(line: bytes) -> dict[str, str]:
    try:
        visit = Visit.model_validate_json(line)
    except ValidationError as error:
        raise HTTPException(422, str(error)) from None
    await app.state.pool.execute(INSERT, visit.source_id, visit.division_code, line.decode())
    await app.state.producer.send_and_wait(os.environ["TOPIC"], line, key=visit.source_id.encode())
    return {"source_id": visit.source_id, "verdict": "accepted"}


@app.post("/records")
async def records(request: Request) -> Any:
    body = await request.body()
    if request.headers["content-type"] == "application/x-ndjson":
        return [await take(line) for line in body.splitlines()]
    return await take(body)


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", access_log=False)
