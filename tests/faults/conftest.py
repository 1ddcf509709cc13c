"""What the tests of faults share: the sample, the rights to a broker without topics, plain log lines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.sample.generate import generate
from services.chassis import logs
from tests.chassis.conftest import forget_all
from tests.faults.city import City, city
from tests.servers import Background

SCALE, SEED = 0.005, 3


@pytest.fixture(scope="module")
def town(background: Background, kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Four services on a log of their own, nothing played; one for all tests of a file, which go on with its story."""
    logs.configure("ERROR")
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, SCALE, SEED, in_forms=False)
    background.run(forget_all(kafka))
    with background.opened(city(kafka, postgres, "town", folder)) as here:
        yield here
