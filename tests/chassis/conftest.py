"""Plain log lines: the traces that structlog draws by default take longer than the tests."""

from __future__ import annotations

import pytest

from services.chassis import logs


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure("INFO")
