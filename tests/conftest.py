"""Fixtures for every test: real servers. Rules and contracts run first, since they take seconds.

`make test` runs three workers, each with servers of its own, for most of a test's time is waiting: one begins with the
journeys, which are many processes and run one after the other, one with the faults. Chaos comes last.
"""

from __future__ import annotations

import os
import signal

import pytest
from xdist.scheduler import LoadScopeScheduling

# Whatever starts these tests may ignore Ctrl-C, as a shell does for its background; children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.servers", "tests.leftovers"]

ORDER = ("rules", "contracts", "chassis", "stores", "journeys", "faults")
IN_WORKERS = ("journeys", "faults", "rules", "contracts", "chassis", "stores")
LAST = "test_chaos.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first: a mistake in a rule is told in seconds, not after the servers have started."""
    order = IN_WORKERS if "PYTEST_XDIST_WORKER" in os.environ else ORDER

    def place(item: pytest.Item) -> tuple[bool, int]:
        folder = next((at for at, name in enumerate(order) if name in item.path.parts), len(order))
        return item.path.name == LAST, folder

    items.sort(key=place)


class Handing(LoadScopeScheduling):  # type: ignore[misc]
    """All journeys are one group; every other file is one."""

    def _split_scope(self, nodeid: str) -> str:
        return "journeys" if nodeid.startswith("tests/journeys") else nodeid.split("::", maxsplit=1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Called with -n, by the one that hands the groups out; they keep their order."""
    config.option.loadscopereorder = False
    return Handing(config, log)
