"""Records that wait and are not handed over: noticed, said aloud, and the group joined anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError

from services.chassis import own_work
from services.chassis import running as process
from services.chassis import standstill as module
from services.chassis.books import Standing
from services.chassis.database import Lane
from services.chassis.errors import GroupNotLeft
from services.chassis.reader import LogReader
from services.chassis.running import running
from services.chassis.sending import send
from services.chassis.service import App
from services.chassis.standstill import Standstill, to_move
from tests.chassis.rig import TRACING, a_plan, both, of_lane, until, until_applied, until_ready
from tests.chassis.test_consumer import client_of, listening

LANE, OTHER = ("tests", 0), ("tests", 1)


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_lane_that_moves_or_has_nothing_waiting_is_no_standstill() -> None:
    watch = Watch()
    standstill = Standstill(watch)
    for offset in range(5):
        watch.seconds += 50
        assert standstill.seconds({LANE: Standing(offset, 7), OTHER: Standing(0, 1)}) == 0
    watch.seconds += 500
    assert standstill.seconds({LANE: Standing(4, 0), OTHER: Standing(0, 0)}) == 0


def test_records_that_wait_while_nothing_moves_are_a_standstill_since_the_last_move() -> None:
    watch = Watch()
    standstill = Standstill(watch)
    lanes = {LANE: Standing(3, 0), OTHER: Standing(5, 2)}
    assert standstill.seconds(lanes) == 0
    watch.seconds = 61
    assert standstill.seconds(lanes) == 61
    standstill.begin_anew()
    assert standstill.seconds(lanes) == 0


def test_a_replica_is_to_move_its_own_lanes_and_any_while_it_is_given_none() -> None:
    lanes = {LANE: Standing(3, 0), OTHER: Standing(5, 2)}
    assert to_move(lanes, {LANE, OTHER}, {OTHER}).keys() == {LANE}
    assert to_move(lanes, {LANE}, set()).keys() == {LANE}
    assert to_move(lanes, set(), set()) == lanes


async def test_a_consumer_that_is_handed_nothing_joins_its_group_anew(
    database: str, fresh_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(module, "STANDSTILL_SECONDS", 1.0)
    events = of_lane(0, 9)
    async with both(database, fresh_kafka) as (door, hearer):
        async with own_work.transaction(door.app) as turn:
            turn.say(events[:3])
        await until_applied(hearer.app.pool, events[:3])
        first = hearer.consumer
        assert first is not None
        first.client().pause(*first.client().assignment())
        async with own_work.transaction(door.app) as turn:
            turn.say(events[3:])
        await until_applied(hearer.app.pool, events)
        assert hearer.consumer is not first

        async def well() -> bool:
            return not hearer.health.reasons

        await until(well, "it is well again")


async def test_a_group_that_cannot_be_left_ends_the_process_in_words(
    database: str, fresh_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(module, "STANDSTILL_SECONDS", 1.0)
    monkeypatch.setattr(process, "LEAVING", 2.0)
    with pytest.raises(GroupNotLeft, match="tracing could not leave its group"):
        async with both(database, fresh_kafka) as (door, hearer):
            assert hearer.consumer is not None
            client = hearer.consumer.client()
            client.pause(*client.assignment())
            monkeypatch.setattr(hearer.consumer.care, "leave", asyncio.Event().wait)
            async with own_work.transaction(door.app) as turn:
                turn.say(of_lane(0, 3))
            async with asyncio.timeout(30):
                await hearer.failed


async def test_a_lane_stopped_in_one_replica_does_not_make_the_other_join_anew(
    database: str, fresh_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(module, "STANDSTILL_SECONDS", 1.0)
    looks, standings = Counter[App](), module.standings

    async def counted(app: App, reader: LogReader) -> Mapping[Lane, Standing]:
        looks[app] += 1
        return await standings(app, reader)

    monkeypatch.setattr(module, "standings", counted)
    async with listening(database, fresh_kafka) as (run, producer), running(TRACING, run.app.settings) as other:
        await until_ready(other)

        async def shared() -> bool:
            return all(client_of(replica).assignment() for replica in (run, other))

        await until(shared, "both replicas have lanes")
        await send(producer, a_plan(1, 4))
        await send(producer, a_plan(7, 8))

        async def stopped() -> bool:
            return "lane tests/0" in {**run.health.reasons, **other.health.reasons}

        await until(stopped, "one stops the lane")
        consumers, before = [run.consumer, other.consumer], looks.copy()

        async def looked_on() -> bool:
            return all(looks[replica.app] > before[replica.app] + 40 for replica in (run, other))

        await until(looked_on, "both looked on for four seconds")
        assert [run.consumer, other.consumer] == consumers


async def test_a_heartbeat_answered_by_a_broker_that_still_loads_its_groups_is_not_the_last_one(
    database: str, fresh_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone, aiokafka sends no heartbeat more and raises the same error at every poll: nothing is heard again."""
    beat, refused = GroupCoordinator._do_heartbeat, set[str]()

    async def refused_once(coordinator: GroupCoordinator) -> bool:
        if coordinator.group_id not in refused:
            refused.add(coordinator.group_id)
            raise KafkaError("Unexpected exception in heartbeat task: GroupLoadInProgressError()")
        return bool(await beat(coordinator))

    events = of_lane(0, 9)
    async with both(database, fresh_kafka) as (door, hearer):
        async with own_work.transaction(door.app) as turn:
            turn.say(events[:3])
        await until_applied(hearer.app.pool, events[:3])
        first = hearer.consumer
        monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", refused_once)

        async def hit() -> bool:
            return "gridward-tracing" in refused

        await until(hit, "the heartbeat was refused")
        async with own_work.transaction(door.app) as turn:
            turn.say(events[3:])
        await until_applied(hearer.app.pool, events)
        assert hearer.consumer is first
