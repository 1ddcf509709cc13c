"""The log as the harness reads it: beside the processes of other tests a broker answers late, and is not away."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from services.chassis.reader import LogReader, log_reader

BUSY_FOR_MS = 20_000


def patient_reader(kafka: str) -> AbstractAsyncContextManager[LogReader]:
    """As `log_reader`, with time."""
    return log_reader(kafka, timeout_ms=BUSY_FOR_MS)
