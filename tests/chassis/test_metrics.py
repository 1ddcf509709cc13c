"""What an alert can rest on: series that stand at 0 before anything happens, readiness, what waits for a person."""

from __future__ import annotations

import httpx
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from contracts.topics import heard_by
from services.chassis import deadletter, metrics, settling
from services.chassis.running import Running, running
from services.chassis.topics import make_topics
from services.intake import ledger
from services.rollup import drift
from tests.chassis.rig import TRACING, a_record, pool_of, settings, until, until_ready

NOWHERE = "127.0.0.1:1"
OF_THE_DATABASE = (
    metrics.CONSUMER_LAG, metrics.OUTBOX_WAITING, metrics.LANE_LAST, metrics.POSITION_LAST, metrics.DEAD_LETTERS_OPEN,
    ledger.RECORDS, ledger.PENDING, drift.DRIFT_FIGURES,
)  # fmt: skip


async def told(run: Running) -> dict[tuple[str, ...], float]:
    """By name and labels, as Prometheus reads them."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{run.url}/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_before_anything_has_happened_every_series_of_an_alert_is_there(database: str) -> None:
    counters = (metrics.DEAD_LETTERS, metrics.BATCHES_REFUSED, metrics.BATCH_FAILURES, metrics.RELAY_UNANSWERED)
    for counter in counters:
        counter.clear()
    async with running(TRACING, settings(database, NOWHERE)) as run:
        said = await told(run)
    assert said["gridward_ready", "tracing"] == 0
    assert said["gridward_batch_failures_total", "tracing"] == 0
    for topic in heard_by("tracing"):
        assert said["gridward_dead_letters_total", "tracing", topic.key] == 0
    for why in ("above", "gap", "source"):
        assert said["gridward_batches_refused_total", "tracing", why] == 0


async def test_readiness_and_the_dead_letters_that_wait_are_told_until_somebody_has_closed_them(
    database: str, fresh_kafka: str
) -> None:
    await make_topics(fresh_kafka, heard_by("tracing"), -1)
    async with pool_of(TRACING, database) as pool, pool.acquire() as db:
        await deadletter.keep(db, [deadletter.Failed(a_record(0, 1, b"no json"), "not JSON")], 100)
        async with running(TRACING, settings(database, fresh_kafka)) as run:
            await until_ready(run)

            async def one_waits() -> bool:
                return (await told(run)).get(("gridward_dead_letters_open", "tracing")) == 1

            await until(one_waits, "one open dead letter is told")
            assert (await told(run))["gridward_ready", "tracing"] == 1
            await settling.drop(db, await db.fetchval("select id from dead_letters"), "desk", "noise")

            async def none_waits() -> bool:
                return (await told(run))["gridward_dead_letters_open", "tracing"] == 0

            await until(none_waits, "no open dead letter is told")


def test_what_is_of_the_database_says_that_replicas_are_not_to_be_added_up() -> None:
    documented = {metric.name: metric.documentation for metric in REGISTRY.collect()}
    for gauge in OF_THE_DATABASE:
        (family,) = gauge.describe()
        assert documented[family.name].endswith("The same at every replica: take the max.")
