"""One small sample for all journeys."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.sample.generate import generate

SCALE, SEED = 0.005, 3


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small outbreak with all that the large one has."""
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, SCALE, SEED)
    return folder
