"""A service as a process of its own that one kind of record kills: `python -m tests.chassis.killing`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import asyncpg

from contracts.envelope import Event
from contracts.events.testing import TestResulted
from services.chassis.running import main
from services.chassis.service import Service
from services.chassis.settings import Settings
from tests.chassis.rig import APPLIED, on_result


async def on_deadly(event: Event[TestResulted], tx: asyncpg.Connection) -> list[Event[Any]]:
    """A ct_value of 13 kills the process as a crash in a library or want of memory would."""
    if event.data.ct_value == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return await on_result(event, tx)


if __name__ == "__main__":
    sys.exit(main([(Service("tracing", APPLIED, {TestResulted: on_deadly}), Settings.from_environment())]))
