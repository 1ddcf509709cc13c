"""Apache Kafka 4.1 as a process of this machine, without Docker: for fault tests and published figures.

Needs Java 17. The jars of `deploy/kafka/pom.xml` (54 MB) are fetched once by Maven into GRIDWARD_KAFKA_JARS,
`.kafka/` of the project by default.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import Signals

from deploy.local.broker import answers_as
from deploy.local.children import Child, free_port, scratch_directory, start_child

_PROJECT = Path(__file__).parents[2]
_POM = _PROJECT / "deploy" / "kafka" / "pom.xml"
_JAVA = 17

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # What a killed broker reads before its groups go on: 100 MiB a partition by default, and see DECISIONS 63.
    "offsets.topic.segment.bytes": str(1024 * 1024),
    # A killed broker is let in again only when its last session has run out: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
"""What each Kafka of ours has, in `server.properties` and in a container; listeners and directories come to it."""

_LOG = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
# As Kafka's own kafka-run-class.sh.
_GARBAGE_COLLECTOR = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"]


def what_is_missing() -> str:
    """What this machine lacks to run Apache Kafka, in words; "" when nothing."""
    if _java_version() < _JAVA:
        return f"Java {_JAVA} or later (on PATH or in JAVA_HOME)"
    if not _complete(_target()) and shutil.which("mvn") is None:
        return "Maven (mvn), to fetch Kafka's jars once"
    return ""


def jars() -> Path:
    """The directory of Kafka's jars, fetched first if missing or of another pom. RuntimeError when Maven fails."""
    target = _target()
    if _complete(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kafka-", dir=target.parent) as scratch:
        fresh = Path(scratch) / "jars"
        _fetch(fresh)
        shutil.copy(_POM, fresh)
        if not _complete(target):  # another may have fetched them meanwhile, and already run on them
            shutil.rmtree(target, ignore_errors=True)
            fresh.rename(target)
    return target


def _target() -> Path:
    return Path(os.environ.get("GRIDWARD_KAFKA_JARS", _PROJECT / ".kafka")).absolute()


def _complete(target: Path) -> bool:
    mark = target / _POM.name
    return mark.exists() and mark.read_bytes() == _POM.read_bytes()


def _fetch(target: Path) -> None:
    words = ["mvn", "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"Maven could not fetch Apache Kafka, mend what it says:\n{done.stdout[-2000:]}")


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else "java"


def _java_version() -> int:
    """17 of `openjdk version "17.0.15"`; 0 where there is no Java."""
    try:
        said = subprocess.run([_java(), "-version"], capture_output=True, text=True).stderr
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


class ApacheKafka:
    """One KRaft node, broker and controller in one process. `kafka` and the data stay over stops and starts."""

    def __init__(
        self,
        directory: Path,
        classpath: str,
        heap: str,
        behind: Mapping[str, tuple[int, int]],
        settings: Mapping[str, str],
        users: Sequence[str],
    ) -> None:
        self.kafka = f"127.0.0.1:{free_port()}"
        self._controller = f"127.0.0.1:{free_port()}"
        self._cluster_id = uuid.uuid4().hex[:22]
        self._directory = directory
        self._behind, self._more, self._users = behind, settings, users
        self._java = [_java(), f"-Xmx{heap}", *_GARBAGE_COLLECTOR, "-cp", classpath, *_LOG]
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The process last started: Kafka, at first its formatting tool."""
        if self._child is None:
            raise RuntimeError("Kafka was not started: await start() first")
        return self._child

    async def start(self) -> None:
        """Starts Kafka, the first time on formatted storage, and returns when it answers. Else RuntimeError."""
        if self._child is not None and self._child.running():
            return
        properties = self._directory / "server.properties"
        if not properties.exists():
            properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
            await self._format(properties)
        child = self._run("kafka.Kafka", properties)
        if not await answers_as(self._cluster_id, self.kafka, child.running):
            raise RuntimeError(f"Kafka did not start on {self.kafka}, mend what it says:\n{self.child.log_tail()}")

    async def stop(self) -> None:
        """A controlled shutdown; harmless when it does not run."""
        if self._child is not None:
            await self._child.stop(patience=30.0)

    async def kill(self) -> None:
        """As in an accident: SIGKILL."""
        await self.child.stop(first=Signals.SIGKILL)

    async def restart(self) -> None:
        """Stops it if it runs, and starts it on the same ports and data."""
        await self.stop()
        await self.start()

    def _settings(self) -> dict[str, str]:
        bound = {name: f"127.0.0.1:{port}" for name, (port, _) in self._behind.items()}
        told = {name: f"127.0.0.1:{port}" for name, (_, port) in self._behind.items()}
        own = {"PLAINTEXT": self.kafka}
        protocols = SETTINGS["listener.security.protocol.map"].split(",") + [f"{name}:PLAINTEXT" for name in bound]
        return {
            **SETTINGS,
            "listeners": _named({**own, "CONTROLLER": self._controller, **bound}),
            "advertised.listeners": _named({**own, **told}),
            "listener.security.protocol.map": ",".join(protocols),
            "controller.quorum.voters": f"1@{self._controller}",
            "log.dirs": str(self._directory / "data"),
            **self._more,
        }

    async def _format(self, properties: Path) -> None:
        users = [f"--add-scram={user}" for user in self._users]
        tool = self._run("kafka.tools.StorageTool", "format", "-t", self._cluster_id, "-c", properties, *users)
        if await tool.wait() != 0:
            raise RuntimeError(f"Kafka's storage could not be formatted, mend what it says:\n{tool.log_tail()}")

    def _run(self, *words: str | Path) -> Child:
        env = {"PATH": os.environ.get("PATH", os.defpath)}
        self._child = start_child([*self._java, *words], env, self._directory / "kafka.log")
        return self._child


def _named(addresses: Mapping[str, str]) -> str:
    return ",".join(f"{name}://{address}" for name, address in addresses.items())


@asynccontextmanager
async def apache_kafka(
    heap: str = "512m",
    behind: Mapping[str, tuple[int, int]] | None = None,
    settings: Mapping[str, str] | None = None,
    users: Sequence[str] = (),
) -> AsyncIterator[ApacheKafka]:
    """A running Kafka on free ports, gone with its data after the block; `heap` as Java's -Xmx takes it.

    behind: further listeners, each by its name (capitals): the port that Kafka binds, and the port of the proxy before
    it, to which Kafka sends the clients of that listener. settings: over those of `SETTINGS`. users: of SCRAM, as
    `kafka-storage format --add-scram` takes them.
    """
    classpath = f"{await asyncio.to_thread(jars)}/*"
    with scratch_directory() as directory:
        kafka = ApacheKafka(directory, classpath, heap, behind or {}, settings or {}, users)
        try:
            await kafka.start()
            yield kafka
        finally:
            await kafka.stop()
