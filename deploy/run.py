"""`gridward run`: the whole path in one command, on servers that are started for it and keep nothing.

`gridward all`: the same four services on servers that are given.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from deploy.fleet import Fleet, FleetError, fleet
from deploy.local import Stack, embedded_stack, start_child
from deploy.local.children import scratch_directory
from deploy.play.compare import differences, observe, read_truth
from deploy.play.player import let_time_run, play
from deploy.play.progress import shown
from deploy.play.stage import PlayError, Stage, make_upstream_topic, settings_of_senders
from deploy.play.summary import print_summary
from deploy.sample.timeline import read_timeline
from deploy.watching import STOPPING, ended, say_stopped, unless_ended
from services.chassis.access import make_token
from services.chassis.settings import Settings

PLAYER_ROLES = frozenset({"sender", "operator"})


async def run_sample(*, once: bool, scale: float, seed: int) -> int:
    """Play the sample outbreak. 0: every figure and state equals the truth, or a person ended it; 1: not so."""
    console = Console(highlight=False)
    try:
        key = secrets.token_hex(32)
        async with _ended_by_signals(), _stage(console, scale, seed, key) as (stack, services, stage, logs):
            equal = await unless_ended(_played(console, stage, logs / "sample", scale), stack, services)
            if once:
                return 0 if equal else 1
            await unless_ended(let_time_run(stage, logs / "sample"), stack, services)
            _say_where(console, stage, logs / "sample", SecretStr(key))
            say_stopped(console, await ended(stack, services))
            return 1
    except STOPPING as stopped:
        say_stopped(console, stopped)
        return 1
    except asyncio.CancelledError:
        console.print("Stopped; the embedded stack kept nothing.")
        return 0 if not once else 130


async def serve_all(settings: Settings) -> int:
    """The four services on the servers that the settings name, on their host, from their port on: intake, tracing,
    alerts, rollup. Until a signal (0), or until one of them ends or does not start (1).
    """
    console = Console(highlight=False, stderr=True)
    try:
        async with _ended_by_signals(), fleet(os.environ, None, settings.http_host, settings.http_port) as services:
            for name, url in services.urls.items():
                console.print(f"{name:8} {url}", soft_wrap=True)
            say_stopped(console, await services.ended())
            return 1
    except FleetError as failed:
        say_stopped(console, failed, "Not started")
        return 1
    except asyncio.CancelledError:
        return 0


@asynccontextmanager
async def _stage(
    console: Console, scale: float, seed: int, token_key: str
) -> AsyncIterator[tuple[Stack, Fleet, Stage, Path]]:
    """The stack, the services and, written meanwhile, the sample."""
    vault_key = secrets.token_hex(32)
    token = make_token(SecretStr(token_key), "stage manager", PLAYER_ROLES, hours=24)
    with scratch_directory() as directory:
        began = time.monotonic()
        console.print("Starting PostgreSQL, a broker and four services; writing the sample outbreak and its truth …")
        async with _sample_written(directory, scale, seed) as written, embedded_stack() as stack:
            environment = environment_of(stack, token_key, vault_key)
            await make_upstream_topic(stack.kafka)
            async with fleet(environment, directory) as services:
                await written()
                console.print(f"Ready in {time.monotonic() - began:.1f} s")
                yield stack, services, Stage.of(services.urls, token, token_key, environment), directory


def environment_of(stack: Stack, token_key: str, vault_key: str) -> Mapping[str, str]:
    return {
        "GRIDWARD_KAFKA": stack.kafka,
        "GRIDWARD_DATABASE": stack.database,
        "GRIDWARD_CLOCK": "stage",
        "GRIDWARD_TOKEN_KEY": token_key,
        "GRIDWARD_VAULT_KEY": vault_key,
        **settings_of_senders(stack.kafka),
    }


async def _played(console: Console, stage: Stage, sample: Path, scale: float) -> bool:
    began = time.monotonic()
    with shown(console, sample) as on_step:
        played = await play(stage, sample, on_step)
    truth = read_truth(sample)
    observed = await observe(stage, played, truth)
    wrong = differences(truth, observed)
    print_summary(console, observed, wrong, scale, time.monotonic() - began)
    return not wrong


@asynccontextmanager
async def _sample_written(directory: Path, scale: float, seed: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """In a process of its own: the truth is made without the services, by something that cannot import them."""
    words = [
        sys.executable,
        "-m",
        "deploy.sample",
        str(directory / "sample"),
        "--scale",
        str(scale),
        "--seed",
        str(seed),
    ]
    child = start_child(words, os.environ, directory / "sample.log")

    async def written() -> None:
        if await child.wait():
            raise PlayError(f"the sample could not be written: {child.log_tail()}")

    try:
        yield written
    finally:
        await child.stop()


def _say_where(console: Console, stage: Stage, sample: Path, key: SecretStr) -> None:
    """Addresses with tokens, and a command that works as it stands: a file of the sample, sent again."""
    worker = read_truth(sample)["worker"]
    post, grid, intake = worker["post_id"], worker["division_code"], stage.urls["intake"]
    own = make_token(key, post, frozenset({"worker"}), grid, hours=24)
    office = make_token(key, f"office-{grid[:6]}", frozenset({"sender"}), grid[:6], hours=24)
    desk = make_token(key, "desk-33", frozenset({"sender"}), "33", hours=24)
    command = os.path.relpath(Path(sys.executable).with_name("gridward"))
    console.print("\nLook around; the stage clock goes on at wall speed. The embedded stack keeps nothing.")
    lines = {
        "board": f"{stage.urls['rollup']}/#token={stage.token}",
        "worker": f"{intake}/worker/#token={own}",
        "sheets": f"{intake}/sheets#token={office}",
        "send": f"{command} send {_a_file(sample)} --to {intake} --token {desk}",
        **{name: f"{url}/openapi.json   {url}/metrics" for name, url in stage.urls.items()},
    }
    for name, where in lines.items():
        console.print(f"  {name:8} {where}", soft_wrap=True, markup=False)
    console.print("Ctrl-C stops everything.")


def _a_file(sample: Path) -> Path:
    """The first of canonical records."""
    return next(feed for step in read_timeline(sample) for feed in step.feeds if feed.suffixes == [".ndjson"])


@asynccontextmanager
async def _ended_by_signals() -> AsyncIterator[None]:
    """SIGINT, SIGTERM and SIGHUP cancel this task, so that everything it started is stopped in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine always runs in one
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for kind in kinds:
        loop.add_signal_handler(kind, task.cancel)
    try:
        yield
    finally:
        for kind in kinds:
            loop.remove_signal_handler(kind)
