"""Leaves nothing behind, however this process dies: a guard beside it, told by a pipe what to clear away.

The guard is this file run as a program. When the pipe ends, by exit, crash or SIGKILL, it ends the children it
was told of (each with its whole process group) and then removes the directories. Python 3.11, any Unix.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_PATIENCE = 5.0
"""Seconds a child has to end by its own signal before it is killed."""


class Guard:
    """The near end of the pipe. One a process; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        reading, self._pipe = os.pipe()
        # A session of its own: Ctrl-C goes to the foreground group, and the guard must outlive it. -I -S: small.
        words = [sys.executable, "-I", "-S", __file__]
        self._process = subprocess.Popen(words, stdin=reading, start_new_session=True)
        os.close(reading)
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        return self._process.pid

    def child(self, pid: int, last_signal: signal.Signals) -> None:
        """Ends the process group `pid` by `last_signal` if we die first."""
        self._tell(f"child {pid} {last_signal.value}")

    def ended(self, pid: int) -> None:
        self._tell(f"ended {pid}")

    def directory(self, path: Path) -> None:
        """Removes `path` if we die first."""
        self._tell(f"directory {path}")

    def removed(self, path: Path) -> None:
        self._tell(f"removed {path}")

    def close(self) -> None:
        """Clears away what is still there and waits until it is gone."""
        with self._lock:
            os.close(self._pipe)
            self._pipe = -1
        self._process.wait()

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._pipe >= 0:
                os.write(self._pipe, f"{line}\n".encode())


_guard: Guard | None = None
_starting = threading.Lock()


def the_guard() -> Guard:
    """The guard of this process, started at first need."""
    global _guard
    with _starting:
        _guard = _guard or Guard()
        return _guard


def running(pid: int) -> bool:
    """Whether `pid` still runs; a zombie nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not stat.parent.parent.exists()  # no /proc on this system: believe the signal


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _listen() -> tuple[dict[int, int], set[str]]:
    children: dict[int, int] = {}
    directories: set[str] = set()
    for line in sys.stdin:
        verb, _, what = line.rstrip("\n").partition(" ")
        if verb == "child":
            pid, number = what.split()
            children[int(pid)] = int(number)
        elif verb == "ended":
            children.pop(int(what), None)
        elif verb == "directory":
            directories.add(what)
        elif verb == "removed":
            directories.discard(what)
    return children, directories


def _main() -> None:
    children, directories = _listen()
    for pid, number in children.items():
        _signal(pid, number)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and any(map(running, children)):
        time.sleep(0.01)
    for pid in children:
        _signal(pid, signal.SIGKILL)
    for path in directories:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    _main()
