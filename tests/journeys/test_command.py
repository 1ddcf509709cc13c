"""`make run` as a person meets it: beside another copy, by an ordinary user, ended early, with a part missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import Signals
from types import MappingProxyType

import pytest

from deploy.local.guard import running
from tests.leftovers import PROJECT, family, until

RUN = (sys.executable, "-m", "services", "run", "--scale", "0.005")
NOBODY = 65534
# Root may not enter another user's place by being another user: this one may read as root does, and is nobody else.
AS_NOBODY = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip
DEAF = """
import os
from services.chassis import once

work = once._work


async def deaf(service, events, tx, *more):
    heard = [event for event in events if f"{service.name} {event.type}" != os.environ["GRIDWARD_TEST_DEAF"]]
    return await work(service, heard, tx, *more)


once._work = deaf
"""


class Copy:
    """One `gridward run`, its output so far, and every process that it has started."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process, self.output = process, output

    def said(self) -> str:
        return self.output.read_text("utf-8")

    def await_word(self, word: str) -> set[int]:
        """Until it has said the word; its processes then."""
        until(lambda: word in self.said() or self.process.poll() is not None, f"it says {word!r}", seconds=120)
        assert word in self.said(), self.said()
        return family(self.process.pid)

    def end(self, number: Signals) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(60)


def command_of(pid: int) -> str:
    """With its arguments; "" when it has ended."""
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True).stdout


@pytest.fixture
def copies(open_tmp: Path) -> Iterator[ExitStack]:
    """Whatever a test starts is ended with it; nothing may then be left in the directory for temporary files."""
    with ExitStack() as stack:
        yield stack
    until(lambda: not list(open_tmp.glob("gridward-*")), "its directories are gone")


@contextmanager
def a_copy(
    tmp: Path, *options: str, before: tuple[str, ...] = (), environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Copy]:
    tmp.chmod(0o777)
    output = tmp / f"output-{time.monotonic_ns()}"
    asked = {**os.environ, "TMPDIR": str(tmp), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120", **environment}
    with output.open("wb") as file:
        process = subprocess.Popen([*before, *RUN, *options], cwd=PROJECT, stdout=file, stderr=file, env=asked)
    try:
        yield Copy(process, output)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def test_two_copies_side_by_side_one_of_them_an_ordinary_users_both_end_in_the_truth(
    copies: ExitStack, open_tmp: Path
) -> None:
    before = AS_NOBODY if os.geteuid() == 0 else ()
    one = copies.enter_context(a_copy(open_tmp, "--once"))
    home = {"HOME": str(open_tmp)}  # of the ordinary user, who may not write into root's
    other = copies.enter_context(a_copy(open_tmp, "--once", "--seed", "3", before=before, environment=home))
    pids = one.await_word("records sent") | other.await_word("records sent")
    assert one.process.poll() is None
    assert other.process.poll() is None
    ends = [each.process.wait(400) for each in (one, other)]
    assert ends == [0, 0], one.said() + other.said()
    for each in (one, other):
        assert "Equal to the truth" in each.said()
        assert "positions.last = lanes.last in all" in each.said()
    until(lambda: not any(map(running, pids)), "every process has ended")


def test_with_a_handler_missing_the_command_says_what_is_wrong_and_ends_with_1(
    copies: ExitStack, open_tmp: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEAF)
    deaf = {"GRIDWARD_TEST_DEAF": "rollup contact-identified", "PYTHONPATH": f"{tmp_path}:{PROJECT}"}
    copy = copies.enter_context(a_copy(open_tmp, "--once", environment=deaf))
    assert copy.process.wait(400) == 1
    assert "close-contacts: 0 instead of" in copy.said()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["Ctrl-C", "kill"])
def test_nothing_is_left_when_it_is_ended_in_the_middle(
    number: Signals, code: int, copies: ExitStack, open_tmp: Path
) -> None:
    copy = copies.enter_context(a_copy(open_tmp, "--once"))
    pids = copy.await_word("records sent")
    assert len(pids) > 12  # itself, the guard, the broker, four services, PostgreSQL's
    assert copy.end(number) == code
    assert "Traceback" not in copy.said()
    until(lambda: not any(map(running, pids)), "every process has ended", seconds=20)


@pytest.mark.parametrize(
    ("program", "words"),
    [("services tracing", "tracing ended by itself with code -9"), ("tansu", "The embedded broker (process")],
)
def test_who_dies_during_the_play_is_named_with_its_last_words(
    program: str, words: str, copies: ExitStack, open_tmp: Path
) -> None:
    copy = copies.enter_context(a_copy(open_tmp, "--once"))
    (pid,) = (pid for pid in copy.await_word("records sent") if program in command_of(pid))
    os.kill(pid, signal.SIGKILL)
    assert copy.process.wait(60) == 1
    assert f"Stopped: {words}" in copy.said()
    assert "Traceback" not in copy.said()


def test_the_line_that_sends_a_file_again_works_as_it_stands(copies: ExitStack, open_tmp: Path) -> None:
    copy = copies.enter_context(a_copy(open_tmp))
    copy.await_word("Ctrl-C stops everything.")
    (line,) = (line for line in copy.said().splitlines() if line.startswith("  send "))
    sent = subprocess.run(line.split()[1:], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert "duplicate" in sent.stdout and "accepted          0" in sent.stdout
    assert copy.end(signal.SIGINT) == 0


def test_a_failed_start_says_why_in_words_and_leaves_nothing(copies: ExitStack, open_tmp: Path) -> None:
    copy = copies.enter_context(a_copy(open_tmp, "--once", environment={"GRIDWARD_DEAD_LETTERS_AN_HOUR": "many"}))
    assert copy.process.wait(120) == 1
    assert "GRIDWARD_DEAD_LETTERS_AN_HOUR" in copy.said()
    assert "Traceback" not in copy.said()
