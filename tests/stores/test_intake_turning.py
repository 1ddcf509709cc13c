"""The vault's key is turned while two replicas serve: nobody becomes a stranger, nobody two, nothing is refused."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from contracts.events.testing import TestResulted
from services.chassis.errors import KeyNotKnown
from services.chassis.keyring import Keyring
from services.chassis.sealing import Seals, vault_keys
from services.chassis.ticking import run_once
from tests.chassis.rig import settings, until
from tests.stores.intake_world import AT, GRID, World, a_household, a_person, a_test, intake

OLD, NEW, THIRD = "o" * 32, "n" * 32, "t" * 32
ONLY_OLD, PHASE_1, PHASE_2, PHASE_3 = OLD, f"1:{OLD} 2:{NEW}", f"2:{NEW} 1:{OLD}", f"2:{NEW}"
_VERSIONS = """
select get_byte(sealed, 0) from (select sealed from vault_persons union all select sealed from vault_dwellings
  union all select sealed from vault_rejects union all select sealed from vault_pepper
  union all select sealed from vault_salts) x
union all select key_version from vault_keys"""


async def versions(world: World) -> set[int]:
    """Of the keys under which anything is sealed or found."""
    return {row[0] for row in await world.pool.fetch(_VERSIONS)}


class Replica:
    """One of two, restarted with another setting while the other goes on; its sender waits meanwhile."""

    def __init__(self, database: str, senders: Senders) -> None:
        self._database, self._senders = database, senders
        self._running: AbstractAsyncContextManager[World] | None = None
        self._busy = asyncio.Lock()
        self.world: World

    async def restart(self, vault_key: str) -> None:
        """And both have sent some more before it returns."""
        async with self._busy:
            await self._stop()
            self._running = intake(self._database, vault_key=vault_key)
            self.world = await self._running.__aenter__()
        await self._senders.some_more()

    async def send(self, batch: Callable[[], list[dict[str, Any]]]) -> list[str]:
        async with self._busy:
            return await self.world.words(*batch()) if self._running else []

    async def stop(self) -> None:
        async with self._busy:
            await self._stop()

    async def _stop(self) -> None:
        if self._running is not None:
            await self._running.__aexit__(None, None, None)
            self._running = None


class Senders:
    """Two, one a replica: people come again and again, by number, by reference, by both, and always new ones."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.whose: dict[str, int] = {}
        self._numbers = itertools.count()

    async def keep_sending(self, replica: Replica) -> None:
        while True:
            self.words += await replica.send(lambda: [self._test(n) for n in itertools.islice(self._numbers, 6)])
            await asyncio.sleep(0)

    def _test(self, n: int) -> dict[str, Any]:
        """Somebody known for long, else of the last few; every third by both names."""
        person = n % 23 if n % 2 else n // 6
        self.whose[f"test-{n}"] = person
        return a_test(n, person, **({"person_ref": f"ref-{person}"} if n % 3 == 0 else {}))

    async def some_more(self) -> None:
        before = len(self.words)
        while len(self.words) < before + 48:  # noqa: ASYNC110 - the senders are other tasks
            await asyncio.sleep(0.001)


@asynccontextmanager
async def two_replicas(database: str) -> AsyncIterator[tuple[Senders, Replica, Replica]]:
    senders = Senders()
    pair = Replica(database, senders), Replica(database, senders)
    tasks = [asyncio.create_task(senders.keep_sending(each)) for each in pair]
    try:
        yield senders, *pair
        assert not any(task.done() for task in tasks), [task.exception() for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for replica in pair:
            await replica.stop()


async def test_two_replicas_admit_the_same_people_through_a_whole_turning_and_nobody_is_doubled(database: str) -> None:
    async with two_replicas(database) as (senders, one, two):
        for setting in (ONLY_OLD, PHASE_1, PHASE_2):
            await one.restart(setting)
            await two.restart(setting)
        with pytest.raises(KeyNotKnown, match="key version 1"):
            async with intake(database, vault_key=PHASE_3):
                pass
        assert await versions(one.world) == {1, 2}
        with capture_logs() as lines:
            await asyncio.gather(one.world.turn_keys(), two.world.turn_keys())
        await one.restart(PHASE_3)
        await two.restart(PHASE_3)
        async with one._busy, two._busy:
            await _judge(one.world, senders)
    assert [line["version"] for line in lines if "leave the others out" in line["event"]] == [2]


async def _judge(world: World, senders: Senders) -> None:
    said = [event.data for event in await world.events() if isinstance(event.data, TestResulted)]
    assert set(senders.words) == {"accepted"} and len(said) == len(senders.words) > 400
    people = await world.pool.fetchval("select count(*) from vault_persons")
    assert people == len({fact.person_id for fact in said}) == len(set(senders.whose.values()))
    assert await world.pool.fetchval("select count(distinct owner_id) from vault_keys") == people
    assert await versions(world) == {2}


async def test_a_replica_that_was_not_given_the_new_key_refuses_in_words_until_it_is(database: str) -> None:
    async with intake(database, vault_key=ONLY_OLD) as late:
        await late.send(a_test(1, 1), a_household(1, 2), a_test(3, 1, result="?"))
        async with intake(database, vault_key=PHASE_2) as first:
            refused = await late.client.post("/records", json=a_test(2, 1))
            await late.turn_keys()
            ready = await late.client.get("/readyz")
            assert await first.words(a_test(2, 1)) == ["accepted"]
    assert refused.status_code == 503 and "key version 2" in refused.text
    assert ready.status_code == 503 and "add that key to GRIDWARD_VAULT_KEY" in ready.json()["reasons"]["vault"]


async def test_a_turning_shows_how_far_it_is_and_goes_on_where_another_process_broke_off(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.turning.ROWS", 2)
    async with intake(database, vault_key=ONLY_OLD) as world:
        await world.send(*(a_test(n, n) for n in range(5)), a_household(1, 1), a_test(3, 9, result="?"))
    async with intake(database, vault_key=PHASE_2) as world:
        [tick] = [tick for tick in world.app.ticks if tick.name == "turning"]
        for _ in range(4):
            assert await run_once(world.app, tick)
        assert REGISTRY.get_sample_value("gridward_resealed_rows", {"service": "intake", "part": "persons"}) == 4
    async with intake(database, vault_key=PHASE_2) as world:
        await world.turn_keys()
        assert await versions(world) == {2} and await world.pool.fetch("select * from turnings") == []
        assert REGISTRY.get_sample_value("gridward_resealed_rows", {"service": "intake", "part": "persons"}) is None
    async with intake(database, vault_key=PHASE_3) as world:
        again = [a_test(1, 1), a_test(10, 1), a_household(1, 1)]
        assert await world.words(*again) == ["duplicate", "accepted", "duplicate"]
        assert await world.pool.fetchval("select count(*) from vault_persons") == 5
        assert "test-3" in (await world.client.get("/rejects")).text


async def test_a_third_key_put_in_use_while_the_first_is_being_left_out_is_not_left_alone(database: str) -> None:
    """The tick waits for the lock under which another replica begins with the third; nothing is sealed by it yet."""
    waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
    sealed = "select count(*) = 1 from turnings where not ended"  # but what is cleared once the old key is out of use
    async with intake(database, vault_key=ONLY_OLD) as world:
        await world.send(a_test(1, 1))
    async with intake(database, vault_key=f"2:{NEW} 1:{OLD} 3:{THIRD}") as world:
        [tick] = [tick for tick in world.app.ticks if tick.name == "turning"]
        while not await world.pool.fetchval(sealed):
            await run_once(world.app, tick)
        keys = vault_keys(settings(database, vault_key=f"3:{THIRD} 2:{NEW} 1:{OLD}"))
        assert keys is not None
        async with world.pool.acquire() as tx, tx.transaction():
            await Keyring(keys, lambda secrets, in_use: Seals(secrets, b"any", in_use)).begin(tx, [])
            turned = asyncio.create_task(run_once(world.app, tick))

            async def waiting() -> bool:
                return bool(await world.pool.fetchval(waits))

            await until(waiting, "the tick waits for the lock")
        await turned
        assert [row[0] for row in await world.pool.fetch("select version from seal_keys order by 1")] == [1, 2, 3]
        await world.turn_keys()
        assert await versions(world) == {3}


async def test_somebody_who_was_given_another_number_is_still_found_by_the_first_one(database: str) -> None:
    mended = {"person": {"id_number": a_test(0, 7)["person"]["id_number"]}, "person_ref": "case-1"}
    async with intake(database, vault_key=ONLY_OLD) as world:
        await world.send(a_test(1, 1, person_ref="case-1"), a_test(2, 1, **mended))
    async with intake(database, vault_key=PHASE_2) as world:
        await world.turn_keys()
    async with intake(database, vault_key=PHASE_3) as world:
        await world.send(a_test(3, 1), a_test(4, 7))
        assert await world.pool.fetchval("select count(*) from vault_persons") == 1


async def test_a_name_means_whom_it_meant_when_the_key_is_turned_though_another_was_one_with_him_for_a_while(
    database: str,
) -> None:
    by_ref = {"person": None, "person_ref": "ref-2"}
    merge = {"feed": "desk", "source_id": "m", "kind": "same-person", "division_code": GRID, "decided_by": "post"}
    who = {"kept": {"person": a_person(1)["person"]}, "other": {"person_ref": "ref-2"}, "reason": "one card, two lists"}
    async with intake(database, vault_key=ONLY_OLD) as world:
        await world.send(a_test(1, 1), a_test(2, 2, **by_ref), {**merge, **who, "decided_at": AT})
        await world.send(a_test(3, 1, person_ref="ref-2"))
        assert await world.words({**merge, "revision": 2, "withdrawn": True}) == ["accepted"]
    for phase in (PHASE_2, PHASE_3):
        async with intake(database, vault_key=phase) as world:
            assert await world.words(a_test(4, 2, source_id=f"{phase[0]}-{len(phase)}", **by_ref)) == ["accepted"]
            await world.turn_keys()
            said = [event.data.person_id for event in await world.events() if isinstance(event.data, TestResulted)]
    assert said[1] != said[0] and set(said[3:]) == {said[1]}


async def test_a_dwelling_is_found_by_every_reference_that_it_ever_had_when_the_key_is_turned(database: str) -> None:
    async with intake(database, vault_key=ONLY_OLD) as world:
        await world.send(a_household(1, 1))
        dwelling_id = await world.pool.fetchval("select dwelling_id from vault_dwellings")
        again = {"dwelling_id": dwelling_id, "ref": "another"}
        assert await world.words(a_household(2, 1, dwelling=again)) == ["accepted"]
    async with intake(database, vault_key=PHASE_2) as world:
        await world.turn_keys()
    async with intake(database, vault_key=PHASE_3) as world:
        await world.send(a_household(3, 1, dwelling={"ref": "door-1"}), a_household(4, 1, dwelling={"ref": "another"}))
        assert await world.pool.fetchval("select count(*) from vault_dwellings") == 1
