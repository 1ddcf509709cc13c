"""The embedded stack of `make run`: PostgreSQL 18 and a Kafka broker out of wheels, no Docker, nothing kept.

Both share one fate (`protocol.md` b 17): offsets in the one mean nothing beside another of the other, so when
either dies the other is stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.local.broker import embedded_broker
from deploy.local.children import Child, free_port, start_child
from deploy.local.postgres import embedded_postgres

__all__ = ["Child", "Stack", "embedded_stack", "free_port", "start_child"]


@dataclass
class Stack:
    """Where the two servers are, and whether they still run.

    `kafka`: bootstrap servers, "127.0.0.1:PORT". `database`: a DSN for asyncpg (a Unix socket, superuser `postgres`).
    `died`: set when either has ended by itself and the other has been stopped; `what_died` then says which and why.
    """

    kafka: str
    database: str
    children: tuple[Child, ...]
    died: asyncio.Event = field(default_factory=asyncio.Event)
    what_died: str = ""


@asynccontextmanager
async def embedded_stack() -> AsyncIterator[Stack]:
    """Both servers, started in about a second; stopped, and their directories removed, after the block."""
    async with embedded_postgres() as postgres, embedded_broker() as broker:
        stack = Stack(broker.kafka, postgres.dsn, (postgres.child, broker.child))
        watch = asyncio.create_task(_share_one_fate(stack))
        try:
            yield stack
        finally:
            watch.cancel()


async def _share_one_fate(stack: Stack) -> None:
    ends = {asyncio.create_task(child.wait()): child for child in stack.children}
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    stack.what_died = "\n".join(_obituary(ends[task]) for task in done)
    await asyncio.gather(*(child.stop() for child in stack.children))
    stack.died.set()


def _obituary(child: Child) -> str:
    return (
        f"The embedded {child.name} (process {child.pid}) ended by itself with code {child.returncode}. The stack "
        f"keeps nothing, so all of it was stopped: start it again. Its last words:\n{child.log_tail()}"
    )
