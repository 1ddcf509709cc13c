"""Reading and nothing else: aiokafka's getmany over all partitions in one process. The limit of any Python consumer."""

from __future__ import annotations

import asyncio
import json
import os
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

MOST_RECORDS = 5_000


async def main() -> None:
    topic, wanted = os.environ["TOPIC"], int(os.environ["RECORDS"])
    lanes = [TopicPartition(topic, number) for number in range(int(os.environ["PARTITIONS"]))]
    consumer = AIOKafkaConsumer(bootstrap_servers=os.environ["KAFKA"], auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(lanes)
        await consumer.seek_to_beginning(*lanes)
        began = time.perf_counter()
        read = 0
        while read < wanted:
            found = await consumer.getmany(timeout_ms=1_000, max_records=MOST_RECORDS)
            read += sum(map(len, found.values()))
        print(json.dumps({"records": read, "seconds": time.perf_counter() - began}))
    finally:
        await consumer.stop()


asyncio.run(main())
