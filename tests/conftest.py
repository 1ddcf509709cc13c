"""Fixtures for every test: real servers. Rules and contracts run first, since they take seconds.

`make test` runs two workers, each with servers of its own: one has what plays or hurts whole stacks, which are many
processes and run one after the other; the other has the rest, a file at a time.
"""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["tests.servers", "tests.leftovers"]

ORDER = ("rules", "contracts", "chassis", "stores", "journeys", "faults")


WHOLE_STACKS = ("journeys", "faults")


@pytest.hookimpl(tryfirst=True)  # the groups must stand before xdist reads them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first: a mistake in a rule is told in seconds, not after the servers have started."""
    items.sort(key=_place)
    if "PYTEST_XDIST_WORKER" in os.environ:
        for item in items:
            whole = any(name in item.path.parts for name in WHOLE_STACKS)
            item.add_marker(pytest.mark.xdist_group("whole stacks" if whole else item.path.stem))
        items.sort(key=lambda item: not any(name in item.path.parts for name in WHOLE_STACKS))


def _place(item: pytest.Item) -> int:
    return next((at for at, name in enumerate(ORDER) if name in item.path.parts), len(ORDER))
