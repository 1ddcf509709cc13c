"""Forgetting: who is due goes for good, with every way back from who it was to what the log says; the others stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.__main__ import app as command
from services.chassis import logs
from services.intake.forgetting import Order, forgetting
from services.intake.store import records
from services.intake.vault import Vault
from tests.stores.attacker import Attacker, Log, Victim
from tests.stores.grid_world import as_
from tests.stores.intake_world import GRID, KEY, World, a_household, a_number, a_person, a_test, intake, one_of_each
from tests.waiting import until_one_waits

OLD, NEW = "o" * 32, "n" * 32
SECRETS = {1: OLD.encode(), 2: NEW.encode()}
THEN, SOON, LATER = "2022-03-05T12:00:00+08:00", "2022-04-20T12:00:00+08:00", "2022-06-15T12:00:00+08:00"
NAMING_NOBODY = ("tube-result", "policy-adoption", "canvassing-round", "hand-over", "assignment")
ORDER = Order("data office", "order 12", 60, "order")


async def forget(world: World, order: Order = ORDER) -> int:
    async with forgetting(world.app.settings, order) as run:
        due = await run.look()
        return await run.erase(sum(due.people.values()), lambda done, total: None)


async def log_of(world: World) -> Log:
    return Log([row[0] for row in await world.pool.fetch("select record from outbox order by id")])


def about_one() -> list[dict[str, Any]]:
    """Of every kind, about person 1 (2 shares the exposure), by number, by reference, by content alone."""
    records = one_of_each(1, 2)
    by_ref = {"person_ref": "case-1"}
    nameless = a_test(90, 1)
    del nameless["source_id"]
    return [*records, a_test(91, 1, **by_ref), a_household(2, 1, 3), a_test(92, 1), a_test(93, 1), nameless]


VICTIM = Victim(
    numbers=(a_number(1),),
    refs=("case-1",),
    phones=("13800000001",),
    dwellings=("door-1",),
    births=("1950-01-01|wang",),
    texts=('王某1"', a_number(1), "13800000001", "人民路 1 号", "case-1"),
    records=(*about_one(), a_test(92, 4, revision=2), a_test(94, 1, result="?")),
)


async def told_of_one(world: World) -> str:
    """Everything that ever was told of person 1; the id. Then the key is turned, and months pass."""
    await world.at(THEN)
    await world.send(*about_one(), a_test(94, 1, result="?"))
    await world.send(a_test(92, 4, revision=2), {**a_test(93, 1, revision=2), "withdrawn": True})
    [owner] = await world.pool.fetch(
        "select distinct owner_id from vault_keys where found_by = any($1::bytea[])", hashes(1)
    )
    return str(owner[0])


async def held_anywhere(world: World, person_id: str) -> set[str]:
    """Tables of the schema that name the id in any column."""
    tables = await world.pool.fetch("select tablename from pg_tables where schemaname = 'intake'")
    names = [row[0] for row in tables]
    found = [
        await world.pool.fetchval(f"select exists (select from {table} one where one::text ~ $1)", person_id)
        for table in names
    ]
    return {name for name, there in zip(names, found, strict=True) if there}


def hashes(n: int) -> list[bytes]:
    return [find.found_by for find in Vault(SECRETS, [2, 1]).finds("id_number", a_number(n))]


async def test_no_way_leads_back_from_who_somebody_was_to_the_log_once_he_is_forgotten(database: str) -> None:
    async with intake(database, clock="stage", vault_key=OLD) as world:
        person_id = await told_of_one(world)
    async with intake(database, clock="stage", vault_key=f"2:{NEW} 1:{OLD}") as world:
        await world.turn_keys()
        log = await log_of(world)
        before = await Attacker(world.pool, SECRETS, log).routes(VICTIM)
        await world.at(LATER)
        await world.send(a_test(80, 3))
        held_before = await held_anywhere(world, person_id)
        assert await forget(world) == 4  # 1, who shared a record, who stands in its correction, the other of the merge
        after = await Attacker(world.pool, SECRETS, log).routes(VICTIM)
        [left] = [row[0] for row in await world.pool.fetch("select person_id from vault_persons")]
        held = await held_anywhere(world, person_id)
    leads = {name for name, people in before.items() if person_id in people}
    assert leads == {"hashes", "telephones", "births", "opened rows", "source ids", "contents", "ids drawn again"}
    # Of the surname and the birth date of the one who stays: they lead to that one alone.
    assert {name: people for name, people in after.items() if people} == {"births": {left}} and left != person_id
    assert held_before > {"vault_persons", "vault_keys", "residents", "vault_decisions", "merges"}
    assert held == {"outbox"}


async def test_a_record_that_waits_for_who_works_alone_bears_an_instant_after_that(database: str) -> None:
    async with intake(database) as world, world.pool.acquire() as alone:
        async with alone.transaction():
            await records.take_turn(alone, alone=True)
            waiting = asyncio.create_task(world.send(a_test(1, 1)))
            await until_one_waits(world.pool)
            began_at = await world.pool.fetchval("select clock_timestamp()")
        await waiting
        assert await world.pool.fetchval("select received_at from records") > began_at


async def test_what_is_sent_again_of_a_forgotten_person_is_a_duplicate_and_what_is_new_is_of_somebody_new(
    database: str,
) -> None:
    async with intake(database, clock="stage", vault_key=OLD) as world:
        person_id = await told_of_one(world)
        await world.at(LATER)
        await world.send(a_test(80, 3))
        await forget(world)
        again = await world.send(*(each for each in about_one() if each["kind"] not in NAMING_NOBODY))
        assert {(each["verdict"], each["duplicate_of"]) for each in again} == {("duplicate", None)}
        [refused] = await world.send(a_test(92, 1, revision=3))
        assert "erased" in refused["errors"][0]["why"]
        assert await world.words(a_test(70, 1), a_test(71, 3)) == ["accepted", "accepted"]
        third, new, known = [event.data.person_id for event in (await world.events())[-3:]]
        assert new != person_id and third == known
        [row] = await world.pool.fetch("select * from forgettings where persons > 0")
        assert (row["done_by"], row["reason"], row["days"], row["persons"]) == ("data office", "order 12", 60, 4)
        for table, count in (("vault_accesses", 0), ("vault_persons", 2), ("vault_dwellings", 1)):
            assert await world.pool.fetchval(f"select count(*) from {table}") == count, table


async def test_who_is_placed_ordered_or_waits_to_be_mended_is_kept(database: str) -> None:
    stay = {"placement_id": "stay-2", "mode": "hospital", "site_id": "s-1", "started_at": THEN}
    placed = {"feed": "all", "source_id": "p-1", "division_code": GRID, "kind": "placement", **a_person(1), **stay}
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(placed, a_test(1, 2), a_test(2, 3), a_test(3, 4, division_code="330482"))
        await world.at(LATER)
        await world.send(a_test(4, 2, result="?"))
        assert await forget(world, Order("data office", "order 12", 60, "order", "330421")) == 1
        kept = [a_test(5, 1), a_test(6, 2), a_test(7, 4)]
        known = await world.pool.fetchval("select count(*) from vault_persons")
        await world.send(*kept)
        assert await world.pool.fetchval("select count(*) from vault_persons") == known == 3


async def test_who_was_named_by_mistake_in_a_lead_that_is_open_stays_until_it_is_closed(database: str) -> None:
    said = {"source": "letter", "received_at": THEN}
    head = {"feed": "letters", "source_id": "lead-1", "kind": "lead", "division_code": GRID, **said}
    closed = {"lead": {"feed": "letters", "source_id": "lead-1"}, "outcome": "no_risk", "reason": "已回沪"}
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        assert await world.words({**head, **a_person(1)}, {**head, **a_person(2), "revision": 2}) == ["accepted"] * 2
        await world.at(LATER)
        await world.send(a_test(1, 2))
        assert await forget(world) == 0
        step = {"feed": "desk", "source_id": "c-1", "kind": "lead-closed", "division_code": GRID, **closed}
        assert await world.words({**step, "done_at": SOON, "done_by": "grid"}) == ["accepted"]
        assert await forget(world) == 1
        assert await world.pool.fetchval("select count(*) from vault_persons") == 1


async def test_when_an_edition_ended_the_measure_a_placement_that_was_never_closed_keeps_nobody(database: str) -> None:
    stay = {"placement_id": "stay-2", "mode": "hospital", "site_id": "s-1", "started_at": THEN}
    placed = {"feed": "all", "source_id": "p-1", "division_code": GRID, "kind": "placement", **a_person(1), **stay}
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(placed)
        for now, forgotten in (("2023-01-07", 0), ("2023-02-01", 0), ("2023-03-15", 1)):
            await world.at(f"{now}T12:00:00+08:00")
            assert await forget(world) == forgotten, now


async def test_nobody_is_forgotten_while_a_backup_may_still_have_to_be_resent_into(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(a_test(1, 1))
        for now, forgotten in (("2022-04-09", 0), ("2022-04-12", 1)):
            await world.at(f"{now}T12:00:00+08:00")
            assert await forget(world, Order("data office", "order 12", 0, "order")) == forgotten, now


async def test_who_is_named_again_between_the_count_and_the_erasing_stays_with_the_same_id(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(a_test(1, 1), a_test(2, 2))
        await world.at(LATER)
        async with forgetting(world.app.settings, ORDER) as run:
            due = await run.look()
            assert due.people == {"330421": 2}
            await world.send(a_test(3, 1))
            assert await run.erase(2, lambda done, total: None) == 1
        assert await world.words(a_test(1, 1), a_test(2, 2)) == ["duplicate", "duplicate"]
        ids = [event.data.person_id for event in await world.events()]
    assert ids[0] == ids[2] != ids[1]


async def test_whoever_shared_a_record_with_a_forgotten_person_is_not_forgotten_sooner(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(a_test(1, 1, division_code="330482"))
        await world.at(SOON)
        exposure = next(each for each in one_of_each(2, 1) if each["kind"] == "exposure")
        await world.send({**exposure, "other_division_code": "330482"})
        await world.at("2022-07-01T12:00:00+08:00")
        assert await forget(world, Order("data office", "order 12", 60, "order", "330482")) == 1
        assert await forget(world, Order("data office", "order 12", 90, "order")) == 0
        assert await forget(world, Order("data office", "order 12", 70, "order")) == 1


async def test_what_a_worker_was_asked_about_a_forgotten_person_goes_too(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        worker = await as_(world)
        cold = {**a_person(1), "temperature_celsius": 31.0}
        answer = await worker.post("/records", json=a_household(1, members=[cold]))
        assert len(answer.json()["please_check"]) == 1
        assert await world.pool.fetchval("select count(*) from doubts") == 1
        await world.at(LATER)
        assert await forget(world) == 1
        assert await world.pool.fetchval("select count(*) from doubts") == 0


@pytest.mark.parametrize("waits", ["stays", "goes"])
async def test_a_rejected_row_that_nobody_mends_goes_when_its_days_are_over(database: str, waits: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN if waits == "goes" else SOON)
        await world.send(a_test(1, 1, result="?"))
        await world.at(LATER)
        await forget(world)
        assert await world.pool.fetchval("select count(*) from vault_rejects") == (waits == "stays")


def test_the_command_says_what_is_in_force_counts_first_asks_and_erases(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_long_ago(database))
    monkeypatch.setattr(logs, "configure", lambda level: None)  # those of this process are the test runner's
    monkeypatch.setenv("GRIDWARD_DATABASE", database)
    monkeypatch.setenv("GRIDWARD_CLOCK", "stage")
    for name in ("GRIDWARD_TOKEN_KEY", "GRIDWARD_VAULT_KEY"):
        monkeypatch.setenv(name, KEY)
    order = ["forget", "--days", "60", "--by", "data office", "--reason", "order 12"]
    blank = run(["forget"])
    assert blank.exit_code == 2 and "nothing is erased" in blank.output and "Personal Information" in blank.output
    assert "--by and --reason" in run(["forget", "--days", "60"]).output
    assert "36500" in run(["forget", "--days", "9999999", *order[3:]]).output
    counted = run([*order, "--dry-run"])
    assert counted.exit_code == 0 and "330421         2" in counted.output and "王某" not in counted.output
    assert "nothing was erased" in run(order, "n\n").output
    assert "2 people are forgotten" in run([*order, "--yes"]).output
    assert "0 people" in run([*order, "--dry-run"]).output


def run(words: list[str], said: str = "") -> Result:
    return CliRunner().invoke(command, words, input=said, env={"COLUMNS": "300", "NO_COLOR": "1"})


async def _long_ago(database: str) -> None:
    async with intake(database, clock="stage") as world:
        await world.at(THEN)
        await world.send(a_test(1, 1), a_test(2, 2))
        await world.at(LATER)
