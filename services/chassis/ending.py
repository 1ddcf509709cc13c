"""A process that is asked to end does end: in peace, or cut off from a server that neither answers nor goes away."""

from __future__ import annotations

import asyncio
import os
import signal

import structlog

log = structlog.get_logger()

CUT_OFF = 25.0  # seconds; after what is under way had its time (running.PATIENCE), before supervisors kill at 30


def end_on_signals(work: asyncio.Task[None]) -> None:
    """SIGTERM and SIGINT cancel `work`. What has not ended after CUT_OFF seconds is cut off, with code 1."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        work.cancel()
        loop.call_later(CUT_OFF, _cut_off)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


def _cut_off() -> None:
    # PostgreSQL's client, when cancelled, waits for the server's word that it has stopped: a frozen one never says it.
    why = "a server did not answer to the end; what was not committed is read or asked again after the next start"
    log.critical("cut off", seconds=CUT_OFF, reason=why)
    os._exit(1)
