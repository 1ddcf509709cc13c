"""Topics of another cluster on a real Kafka: CloudEvents of every kind, each once, through kills and logs made anew."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from deploy.local.broker import embedded_broker
from services.chassis.reader import log_reader
from services.intake.health.upstream import consumer
from tests.rules.fhir_messages import as_bytes, bundle, condition, observation
from tests.rules.hl7_messages import an_adt, an_oru
from tests.stores.intake_world import intake
from tests.stores.upstream_world import (
    SOURCES,
    TOPIC,
    a_result,
    binary,
    drop,
    make,
    produce,
    reading,
    structured,
    topic,
    until_read,
)


async def test_every_form_of_event_is_read_once_and_poison_stops_nothing(database: str, kafka: str) -> None:
    gb = an_oru(order="L8", charset="GB 18030-2000").decode().encode("gb18030")
    sent = [
        structured(a_result(1), 1),
        binary(json.dumps(a_result(2)).encode(), 2),
        structured(an_oru(order="L7").decode(), 3, datacontenttype="application/hl7-v2"),
        structured(None, 4, datacontenttype="application/hl7-v2", data_base64=base64.b64encode(gb).decode()),
        binary(an_adt(), 5, "application/hl7-v2"),
        binary(as_bytes(bundle(observation(), condition())), 6, "application/fhir+json"),
        (structured(a_result(7), 7)[0], []),
        (b"rubbish", []),
        (None, []),
        (b"\xff\xfe", [("content-type", b"\xff"), ("ce_id", b"\xff")]),
        structured({**a_result(8), "result": "?"}, 8),
        binary(b"MSH|", 9, "application/hl7-v2"),
        structured(a_result(1), 1),
    ]
    async with topic(kafka), intake(database, sources=SOURCES) as world:
        await produce(kafka, sent)
        async with reading(world, kafka):
            await until_read(world.pool, len(sent))
        ledger = (await world.ledger())["jiashan-hospital"]
        rows = (await world.client.get("/rejects?feed=jiashan-hospital")).text.splitlines()
    assert ledger == {"received": 14, "accepted": 8, "duplicate": 1, "rejected": 5, "pending": 0}
    assert len(rows) == 5


async def test_a_topic_made_again_is_read_from_its_start_and_repeats_are_recognised(
    database: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "LOOK_AGAIN", 0.5)
    first = [structured(a_result(n), n) for n in range(1, 21)]
    async with intake(database, sources=SOURCES) as world:
        await make(kafka)
        await produce(kafka, first)
        async with reading(world, kafka):
            await until_read(world.pool, 20)
            await drop(kafka)
            await make(kafka)
            await produce(kafka, first[10:] + [structured(a_result(n), n) for n in range(21, 26)])
            await until_read(world.pool, 15)
        await drop(kafka)
        await make(kafka)
        # As long as the log before, so that the offsets alone tell nothing.
        await produce(kafka, [structured(a_result(n), n) for n in range(30, 50)])
        async with reading(world, kafka):
            await until_read(world.pool, 20)
        await drop(kafka)
        ledger = (await world.ledger())["jiashan-hospital"]
    assert ledger == {"received": 55, "accepted": 45, "duplicate": 10, "rejected": 0, "pending": 0}


async def test_what_was_corrected_to_something_of_no_use_is_withdrawn_though_both_came_in_one_go(
    database: str, kafka: str
) -> None:
    later = {"versionId": "2", "lastUpdated": "2022-03-06T08:00:00+08:00"}
    glucose = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    other = observation(code=glucose, meta=later)
    sent = [observation(), other, observation(2, code=glucose), observation(3), other]
    async with topic(kafka, 1), intake(database, sources=SOURCES) as world:
        await produce(kafka, [binary(as_bytes(each), n, "application/fhir+json") for n, each in enumerate(sent)], 1)
        async with reading(world, kafka):
            await until_read(world.pool, 5)
        facts = [event.data for event in await world.events()]
        ledger = (await world.ledger())["jiashan-hospital"]
    assert sorted((fact.revision, fact.withdrawn) for fact in facts) == [(1, False), (1, False), (2, True)]
    assert ledger == {"received": 4, "accepted": 3, "duplicate": 1, "rejected": 0, "pending": 0}


async def test_another_cluster_s_offsets_are_not_taken_for_this_one_s(database: str, kafka: str) -> None:
    async with topic(kafka), intake(database, sources=SOURCES) as world:
        await produce(kafka, [structured(a_result(n), n) for n in range(10)])
        await world.pool.execute("insert into upstream_positions values ($1, 0, 3, null, 'elsewhere')", TOPIC)
        async with reading(world, kafka):
            await until_read(world.pool, 10)
        assert (await world.ledger())["jiashan-hospital"]["accepted"] == 10


async def test_a_fault_of_ours_in_one_record_sets_that_record_aside(
    database: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.intake import admission

    of_test = admission.sayings_of

    def broken(record: Any, ids: Any) -> Any:
        if getattr(record, "ct_value", None) == 13:
            raise RuntimeError("thirteen")
        return of_test(record, ids)

    monkeypatch.setattr(admission, "sayings_of", broken)
    sent = [structured({**a_result(n), "ct_value": 13.0 if n == 4 else 30.0}, n) for n in range(9)]
    async with topic(kafka, 1), intake(database, sources=SOURCES) as world:
        await produce(kafka, sent, 1)
        async with reading(world, kafka):
            await until_read(world.pool, 9)
        ledger = (await world.ledger())["jiashan-hospital"]
    assert (ledger["accepted"], ledger["rejected"], ledger["pending"]) == (8, 1, 0)


async def until_looked_again(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Whether the log is still the one that was read has been asked so often."""
    looks, begin_at = asyncio.Semaphore(0), consumer.begin_at

    async def looked(*given: Any) -> int:
        found = await begin_at(*given)
        looks.release()
        return found

    monkeypatch.setattr(consumer, "begin_at", looked)
    for _ in range(times):
        async with asyncio.timeout(30):
            await looks.acquire()


async def test_a_broker_that_tells_an_end_within_its_last_batch_is_not_read_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the embedded one does: what was read last still lies where it lay, so the log is the same."""
    monkeypatch.setattr(consumer, "LOOK_AGAIN", 0.05)
    sent = [structured(a_result(n), n) for n in range(5)]
    async with embedded_broker() as broker, intake(database, sources=SOURCES) as world:
        await make(broker.kafka, 1)
        async with AIOKafkaProducer(bootstrap_servers=broker.kafka) as producer:
            for value, headers in sent:
                await producer.send(TOPIC, value, partition=0, headers=headers)
        async with log_reader(broker.kafka) as reader:
            assert await reader.ends([(TOPIC, 0)]) == {(TOPIC, 0): 1}
        async with reading(world, broker.kafka):
            await until_read(world.pool, len(sent))
            with capture_logs() as heard:
                await until_looked_again(monkeypatch, 5)
        assert heard == []
        assert (await world.ledger())["jiashan-hospital"]["received"] == len(sent)
