"""Processes, ports and directories that belong to this process and end with it."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from signal import Signals

from deploy.local.guard import the_guard


class Child:
    """A started process with its own process group and log. Its methods may be called from any thread or event loop."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path | None, log_start: int) -> None:
        self.name = name
        self._log, self._log_start = log, log_start
        self._process = process
        self._ended: Future[int] = Future()
        self._ended.set_running_or_notify_cancel()  # one who stops waiting must not cancel it for the others
        threading.Thread(target=self._reap, name=f"reap {self.name}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """Where its output is. RuntimeError when it goes where ours goes."""
        if self._log is None:
            raise RuntimeError(f"the output of {self.name} is kept nowhere: give start_child a log")
        return self._log

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._ended.result() if self._ended.done() else None

    def running(self) -> bool:
        return not self._ended.done()

    async def wait(self) -> int:
        """Waits for its end; gives the return code."""
        return await asyncio.wrap_future(self._ended)

    async def stop(self, patience: float = 10.0, first: Signals = Signals.SIGTERM) -> int:
        """Asks by `first`, kills after `patience` seconds; gives the return code. Harmless when it has ended."""
        self.signal(first)
        try:
            return await asyncio.wait_for(self.wait(), patience)
        except TimeoutError:
            self.signal(Signals.SIGKILL)
            return await self.wait()

    def signal(self, number: Signals) -> None:
        """Sends a signal to the whole group, if it still runs."""
        if self.running():
            self._to_group(number)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its output, without what stood in the log before it started; "" when it has no log."""
        if self._log is None:
            return ""
        said = self._log.read_bytes()[self._log_start :].decode(errors="replace")
        return "\n".join(said.splitlines()[-lines:])

    def _to_group(self, number: Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _reap(self) -> None:
        code = self._process.wait()
        self._to_group(Signals.SIGKILL)  # its own children end with it
        the_guard().ended(self.pid)
        self._ended.set_result(code)


def start_child(
    argv: Sequence[str | Path],
    env: Mapping[str, str],
    log_path: Path | None,
    *,
    user: int | None = None,
    last_signal: Signals = Signals.SIGKILL,
) -> Child:
    """Starts a process that cannot outlive this one.

    Its output is appended to `log_path`, whose stem is its name; without one it goes where our errors go. `env` is its
    whole environment. Only root may give another `user` (uid; its group is the same number). `last_signal` ends it if
    this process dies without stopping it, even by SIGKILL.
    """
    guard = the_guard()
    with nullcontext(sys.stderr) if log_path is None else log_path.open("ab") as log:
        log_start = 0 if log_path is None else log.tell()
        process = subprocess.Popen(
            [str(word) for word in argv],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    guard.child(process.pid, last_signal)
    return Child(process, log_path.stem if log_path else str(argv[-1]), log_path, log_start)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now; another may take it first, so be ready to try again.

    Below the ports the kernel gives to outgoing connections: else a client's own connection could sit on the port
    of a server that is being restarted, or even connect to itself.
    """
    for port in random.SystemRandom().sample(range(15_000, 32_000), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port between 15000 and 32000 on 127.0.0.1: end what listens there and start again")


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory for this block, private to this user, removed at its end or at this process's, however it dies."""
    # A socket's path has about 100 characters at most, and a long TMPDIR would use them up.
    base = tempfile.gettempdir()
    path = Path(tempfile.mkdtemp(prefix="gridward-", dir=base if len(base) < 60 else "/tmp"))  # noqa: S108
    guard = the_guard()
    guard.directory(path)
    try:
        yield path
    finally:
        shutil.rmtree(path)
        guard.removed(path)
