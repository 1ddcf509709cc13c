"""What a process leaves behind: its children, its directories. For tests that end processes in every way."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def family(pid: int) -> set[int]:
    """`pid` and all processes under it."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, fresh = {pid}, {pid}
    while fresh:
        fresh = {child for child, parent in pairs if parent in fresh}
        found |= fresh
    return found


def until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Waits until `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s it is still not so: {what}"
        time.sleep(0.02)


@pytest.fixture
def open_tmp() -> Iterator[Path]:
    """A directory for temporary files which another user may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="g-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
