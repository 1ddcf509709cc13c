"""Nothing of the servers is left behind, however the process that started them ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from signal import Signals

import pytest

from deploy.local import embedded_stack, postgres, start_child
from deploy.local.guard import running
from tests.leftovers import PROJECT, family, until

A_STACK = """
import asyncio, sys
from deploy.local import embedded_stack

async def main():
    async with embedded_stack() as stack:
        print(stack.database, flush=True)
        if sys.argv[1:] != ["leave"]:
            await asyncio.Event().wait()

asyncio.run(main())
"""


def shared_memory_made_by(pids: set[int]) -> list[str]:
    """Lines of System V shared memory whose creator is among `pids`."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [line for line in lines if int(line.split()[4]) in pids]


@pytest.fixture
def stack_elsewhere(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process of its own that has opened a stack, and the directory of its database."""
    words = [sys.executable, "-c", A_STACK, *getattr(request, "param", [])]
    process = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    yield process, Path(line.partition("host=")[2].partition("&")[0])
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_when_the_process_dies(
    number: Signals, stack_elsewhere: tuple[subprocess.Popen[str], Path]
) -> None:
    process, directory = stack_elsewhere
    pids = family(process.pid)
    assert len(pids) > 8  # itself, the guard, the broker, PostgreSQL's nine: else the test would look at nothing
    os.kill(process.pid, number)
    process.wait(60)
    until(lambda: not any(map(running, pids)), "every process has ended")
    until(lambda: not directory.exists(), "the directory is gone")
    assert shared_memory_made_by(pids) == []


@pytest.mark.parametrize("stack_elsewhere", [["leave"]], indirect=True, ids=[""])
def test_nothing_is_left_after_a_normal_exit(stack_elsewhere: tuple[subprocess.Popen[str], Path]) -> None:
    process, directory = stack_elsewhere
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert not directory.exists()


async def test_a_failed_start_says_why_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, open_tmp: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(open_tmp))
    monkeypatch.setitem(postgres.SETTINGS, "max_connections", "many")
    with pytest.raises(RuntimeError, match='invalid value for parameter "max_connections"'):
        async with embedded_stack():
            pass
    assert os.listdir(open_tmp) == []  # noqa: PTH208


async def test_a_child_that_will_not_stop_is_killed_with_its_own_children(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 60 & echo ready; while true; do wait; done"
    child = start_child(["sh", "-c", script], {"PATH": os.defpath}, tmp_path / "stubborn.log")
    until(lambda: "ready" in child.log_tail(), "it runs")
    pids = family(child.pid)
    assert len(pids) == 2
    assert await child.stop(patience=0.1) == child.returncode == -signal.SIGKILL
    until(lambda: not any(map(running, pids)), "its own children have ended")
