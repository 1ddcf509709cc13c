"""What befalls the miniature: for each thing that the protocol rests on, the fault that would show it missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice, product
from typing import Any

import asyncpg
import httpx
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.envelope import Event, say
from contracts.events.testing import Member, Result, TubeResulted, TubeSampled
from contracts.topics import BY_KEY
from services.chassis.topics import admin
from tests.faults.chaos.hunting import kill_in
from tests.faults.chaos.miniature import Damage, Miniature
from tests.faults.chaos.saying import LANE, NOON, results
from tests.faults.chaos.waiting import until
from tests.faults.chaos.windows import SENT, TRAPS, caught_behind, held
from tests.stores.tracing_facts import HOME, a_classification, a_finding, a_test, an_exposure, at, heard

PLANNED = "select count(*) from intake.lanes where ids <> '{}'"
SOON = 40.0


async def killed_after_sending(mini: Miniature) -> Damage:
    """kill -9 of the relay between send and delete: the same rows go again."""
    endless = results()

    async def keep_saying() -> None:
        while True:
            await mini.say(list(islice(endless, 5)))

    saying = asyncio.create_task(keep_saying())
    try:
        await kill_in(mini.scene, SENT, [trap for trap in TRAPS if trap.service == "intake"])
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
    return await mini.damage()


async def killed_after_committing(mini: Miniature) -> Damage:
    """kill -9 when a transaction has committed and the network has not let anything through since."""
    scene, (producer, *_) = mini.scene, mini.scene.troop.of("intake")
    proxy = scene.servers.proxies["intake"]
    (await scene.client.post(f"{producer.url}/say?first=0&events=1")).raise_for_status()
    proxy.lose()
    request = asyncio.create_task(scene.client.post(f"{producer.url}/say?first=1&events=20"))
    async with scene.servers.database() as db:
        await until(lambda: db.fetchval("select count(*) > 20 from intake.said"), "committed", SOON)
    await producer.kill()
    with suppress(httpx.TransportError):
        await request
    proxy.reset()
    proxy.find()
    producer.start()
    await producer.until_ready(scene.client)
    return await mini.damage()


async def committed_late(mini: Miniature) -> Damage:
    """A transaction that began first commits last, when what came after it is in the log already."""
    first, *rest = list(islice(results(), 11))
    async with mini.scene.servers.database() as db, mini.saying(db, [first]):
        await mini.say(rest)
        await until(lambda: _reaches(mini, 1), "the later events in the log", SOON)
    return await mini.damage()


async def second_relay_waits(mini: Miniature) -> Damage:
    """A second relay waits for the lock while the first deletes what it has published."""
    scene, endless = mini.scene, results()
    (first, second), proxy = scene.troop.of("intake"), scene.servers.proxies["intake"]
    async with scene.servers.database() as watch, scene.servers.database() as holding:
        second.pause()
        proxy.lose()
        await mini.say(list(islice(endless, 20)))
        await until(lambda: watch.fetchval(PLANNED), "a plan", SOON)
        async with holding.transaction():
            await holding.execute("select from intake.outbox for update")
            proxy.find()
            own = await holding.fetchval("select pg_backend_pid()")
            backend = await until(lambda: _relay_behind(watch, own, first.pid), "the first relay deletes", SOON)
            second.resume()
            await until(lambda: _relay_behind(watch, backend, second.pid), "the second relay waits", SOON)
        await mini.say(list(islice(endless, 20)))
        return await mini.damage()


async def first_half_refused(mini: Miniature) -> Damage:
    """For a while the broker refuses large batches, so that of two requests the first is refused, the second taken."""
    kafka = mini.scene.servers.kafka.kafka
    await _limit(kafka, "tubes", 12_000)
    async with mini.scene.servers.database() as db:
        await mini.say(list(_tubes()))
        refused = "select count(*) from intake.lanes where ids <> '{}'"
        await until(lambda: db.fetchval(refused), "a plan", SOON)
        relay = mini.scene.troop.of("intake")[0]
        await until(lambda: _has_refused(mini, relay.url), "a refusal", SOON)
        with suppress(TimeoutError):
            await until(lambda: _reaches(mini, 1), "the second half", 2)
        await _limit(kafka, "tubes", 1_048_588)
    return await mini.damage()


async def side_by_side(mini: Miniature) -> Damage:
    """Two replicas store a case and an exposure to it at one time: neither sees what the other has not committed."""
    for case_lane, exposure_lane in product(range(3), range(3)):
        pair = f"{case_lane}{exposure_lane}"
        case, contact = _person("cases", case_lane, f"case-{pair}"), _person("exposures", exposure_lane, f"met-{pair}")
        await mini.say([heard(a_test(who, at(4)), at(4)) for who in (case, contact)])
        await _until_derived(mini)
        if await _together(mini, case, contact):
            await mini.settle()
            await _until_derived(mini)
            async with mini.scene.servers.database() as db:
                category = await db.fetchval("select category from tracing.states where person_id = $1", contact)
            return Damage(lost=int(category != "close"))
    raise AssertionError("one replica has all lanes: no two transactions were open at one time")


async def _together(mini: Miniature, case: str, contact: str) -> bool:
    """Whether two processes had their transactions open at once, with all their work done."""
    scene = mini.scene
    async with (
        scene.servers.database() as watch,
        scene.servers.database() as holding,
        held(holding, "tracing.positions", "share") as holder,
    ):
        await mini.say([heard(a_finding(case), at(5, 9)), heard(a_classification(case), at(5, 9))])
        await mini.say([heard(an_exposure(contact, case), at(5, 9))])

        async def two() -> bool:
            ours = await caught_behind(watch, holder, "tracing")
            theirs = [await caught_behind(watch, each.backend, "tracing") for each in ours]
            return len({each.pid for each in (*ours, *chain(*theirs))}) == 2

        with suppress(TimeoutError):
            return await until(two, "two processes at once", 4)
    return False


async def _until_derived(mini: Miniature) -> None:
    await mini.settle()
    async with mini.scene.servers.database() as db:
        await until(lambda: db.fetchval("select not exists (select from tracing.stale)"), "derived", SOON)


def _person(topic: str, lane: int, name: str) -> str:
    return next(who for n in range(100) if BY_KEY[topic].partition_of(who := f"{name}-{n}") == lane)


async def _reaches(mini: Miniature, offset: int) -> bool:
    return any(end >= offset for end in (await mini.ends()).values())


async def _relay_behind(watch: asyncpg.Connection, holder: int, pid: int) -> int:
    """The backend of this process's relay, if it waits behind that of `holder`; 0 if not."""
    found: Sequence[Any] = await caught_behind(watch, holder, "intake")
    return next((each.backend for each in found if each.relay and each.pid == pid), 0)


async def _has_refused(mini: Miniature, url: str) -> bool:
    return "a batch was not taken" in (await mini.scene.client.get(f"{url}/readyz")).text


async def _limit(kafka: str, topic: str, most: int) -> None:
    async with admin(kafka) as client:
        change = {"max.message.bytes": str(most), "retention.ms": "-1"}
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=change)])


def _tubes() -> Iterator[Event[Any]]:
    """Ten large events, then ten small ones, in one lane."""
    named = (f"tube-{n}" for n in range(1_000))
    tubes = list(islice((tube for tube in named if BY_KEY["tubes"].partition_of(tube) == LANE[1]), 10))
    members = tuple(Member(person_id=f"person-{n:057}", division_code=HOME) for n in range(20))
    for tube in tubes:
        fact = TubeSampled(statement_id=f"s:{tube}", tube_id=tube, sampled_at=NOON, members=members)
        yield say(fact, source="intake", time=NOON, division=HOME)
    for tube in tubes:
        result = TubeResulted(statement_id=f"r:{tube}", tube_id=tube, resulted_at=NOON, result=Result.NEGATIVE)
        yield say(result, source="intake", time=NOON, division=HOME)
