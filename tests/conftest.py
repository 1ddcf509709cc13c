"""Fixtures for every test: real servers. Rules and contracts run first, since they take seconds.

`make test` runs two workers, each with servers of its own: one has what plays or hurts whole stacks, which are many
processes and run one after the other; the other has the rest, a file at a time.
"""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.servers", "tests.leftovers"]

ORDER = ("rules", "contracts", "chassis", "stores", "journeys", "faults")

WHOLE_STACKS = ("tests/journeys", "tests/faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first: a mistake in a rule is told in seconds, not after the servers have started.

    In a worker the whole stacks stand first, so that the worker which is given the first group has them from the start.
    """
    order = (*ORDER[4:], *ORDER[:4]) if "PYTEST_XDIST_WORKER" in os.environ else ORDER
    items.sort(key=lambda item: next((at for at, name in enumerate(order) if name in item.path.parts), len(order)))


class TwoKinds(LoadScopeScheduling):  # type: ignore[misc]
    """All whole stacks are one group; every other file is one."""

    def _split_scope(self, nodeid: str) -> str:
        return "whole stacks" if nodeid.startswith(WHOLE_STACKS) else nodeid.split("::", maxsplit=1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Called with -n, by the one that hands the groups out; they keep their order."""
    config.option.loadscopereorder = False
    return TwoKinds(config, log)
