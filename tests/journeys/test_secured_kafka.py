"""Kafka with TLS, certificates on both sides and SASL: who is let in, and the whole path over it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from aiokafka.errors import KafkaError

from deploy.local.apache import what_is_missing
from deploy.play.compare import differences, observe, read_truth
from deploy.play.player import play
from services.chassis.topics import admin
from tests.certificates import a_pair
from tests.journeys.processes import processes
from tests.secured import secured_kafka

pytestmark = pytest.mark.skipif(bool(what_is_missing()), reason="needs Apache Kafka")
PASSWORD = "p@ss/w:rd 1"  # noqa: S105 - of this test's broker alone


def logged(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("*.log"))


async def lets_in(kafka: str) -> bool:
    try:
        async with admin(kafka) as client:
            return bool(await client.describe_cluster())
    except KafkaError:
        return False


async def test_the_whole_path_goes_by_tls_and_sasl_and_nobody_else_is_let_in(
    database: str, tmp_path: Path, sample: Path
) -> None:
    other = a_pair(tmp_path, "somebody-else")
    async with secured_kafka(tmp_path, PASSWORD) as kafka:
        assert await lets_in(kafka)
        assert not await lets_in(kafka.replace(quote(PASSWORD, safe=""), "wrong"))
        assert not await lets_in(kafka.partition("&certificate")[0])
        assert not await lets_in(kafka.replace(quote(str(tmp_path / "kafka.pem")), quote(other.certificate)))
        async with processes(kafka, database, tmp_path) as stage:
            played = await play(stage, sample, lambda step, sent: None)
            truth = read_truth(sample)
            observed = await observe(stage, played, truth)
    assert differences(truth, observed) == []
    assert (logs := logged(tmp_path)) and not any(each in logs for each in (PASSWORD, quote(PASSWORD, safe="")))
