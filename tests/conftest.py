"""Fixtures for every test: real servers. Rules and contracts run first, since they take seconds."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.servers", "tests.leftovers"]

ORDER = ("rules", "contracts", "chassis", "stores", "journeys", "faults")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first: a mistake in a rule is told in seconds, not after the servers have started."""
    items.sort(key=lambda item: next((i for i, name in enumerate(ORDER) if name in item.path.parts), len(ORDER)))
