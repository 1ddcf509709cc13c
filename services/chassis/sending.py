"""One plan to Kafka as one record batch, and its answer: the protocol's step 2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from services.chassis.fence import Number
from services.chassis.kafka import how_to_reach
from services.chassis.plan import Answer, Plan

ANSWER_TIMEOUT = 10.0
LARGEST_BATCH = 1_000_000  # bytes; aiokafka's own 16 KB would drop rows without a word


@asynccontextmanager
async def relay_producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    """A plain producer: idempotence neither prevents the loss of pipelining nor starts on the embedded broker."""
    producer = AIOKafkaProducer(
        **how_to_reach(kafka),
        acks="all",
        enable_idempotence=False,
        max_batch_size=LARGEST_BATCH,
        request_timeout_ms=int(ANSWER_TIMEOUT * 1_000),
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, plan: Plan) -> Answer:
    """The rows of a plan, in order, answered by every replica. Raises KafkaError or TimeoutError."""
    batch = producer.create_batch()
    for number, (key, record) in enumerate(plan.rows, plan.last + 1):
        place = str(Number(plan.epoch, plan.source, number)).encode()
        if batch.append(timestamp=None, key=key.encode(), value=record, headers=[("n", place)]) is None:
            raise RuntimeError(f"the batch of {plan.lane} is full at {number}: lower MOST_BYTES in plan.py")
    batch.close()
    topic, partition = plan.lane
    async with asyncio.timeout(ANSWER_TIMEOUT):
        answer = await (await producer.send_batch(batch, topic, partition=partition))
    return Answer(plan.lane, plan.last, answer.offset + plan.size)
