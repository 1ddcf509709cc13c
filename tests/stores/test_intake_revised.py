"""Senders that tell when they revised a record instead of counting: the latest stands, in whatever order they come."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from contracts.envelope import Event
from tests.stores.intake_world import a_test, intake


def _at(hour: int, n: int = 1, **more: Any) -> dict[str, Any]:
    return a_test(n, 1, revised_at=f"2022-03-05T{hour:02d}:00:00+08:00", **more)


def _withdrawn(hour: int, n: int = 1) -> dict[str, Any]:
    return {"feed": "lab", "source_id": f"test-{n}", "kind": "test", "withdrawn": True, **_time(hour)}


def _time(hour: int) -> dict[str, str]:
    return {"revised_at": f"2022-03-05T{hour:02d}:00:00+08:00"}


def _stands(events: list[Event[Any]]) -> str:
    """What the highest revision says."""
    last = max(events, key=lambda event: event.data.revision, default=None)
    return "nothing" if last is None else "withdrawn" if last.data.withdrawn else last.data.result


async def test_the_door_numbers_them_and_recognises_what_is_sent_again(database: str) -> None:
    sent = [_at(9), _at(9), _at(10), _at(11, result="positive"), _at(9), _at(8, result="inconclusive")]
    async with intake(database) as world:
        words = await world.words(*sent)
        events = await world.events()
    assert words == ["accepted", "duplicate", "duplicate", "accepted", "duplicate", "duplicate"]
    assert [(event.data.revision, event.data.result) for event in events] == [(1, "negative"), (2, "positive")]


async def test_whatever_the_order_the_latest_stands(database: str) -> None:
    async with intake(database) as world:
        for n, order in enumerate(permutations(range(4))):
            versions = [_at(9, n), _at(10, n, result="positive"), _withdrawn(11, n), _at(12, n)]
            before = len(await world.events())
            await world.send(*(versions[each] for each in order))
            assert _stands((await world.events())[before:]) == "negative", order
        for n, order in enumerate(permutations(range(3)), start=100):
            versions = [_at(9, n), _at(10, n, result="positive"), _withdrawn(11, n)]
            before = len(await world.events())
            await world.send(*(versions[each] for each in order))
            assert _stands((await world.events())[before:]) in ("withdrawn", "nothing"), order


async def test_of_two_of_one_instant_the_one_that_came_last_stands_and_the_first_sent_again_changes_nothing(
    database: str,
) -> None:
    async with intake(database) as world:
        words = await world.words(_at(9), _at(9, result="positive"), _at(9))
        assert _stands(await world.events()) == "positive"
    assert words == ["accepted", "accepted", "duplicate"]


async def test_both_ways_of_revising_may_follow_each_other(database: str) -> None:
    counted = a_test(1, 1, revision=5, result="inconclusive")
    async with intake(database) as world:
        words = await world.words(_at(9), counted, _at(10, result="positive"), a_test(1, 1, revision=6))
        events = await world.events()
    assert words == ["accepted", "accepted", "accepted", "rejected"]
    assert [event.data.revision for event in events] == [1, 5, 6]


async def test_a_withdrawal_without_either_is_asked_for_its_revision(database: str) -> None:
    withdrawal = {key: value for key, value in _withdrawn(9).items() if key != "revised_at"}
    async with intake(database) as world:
        [verdict] = await world.send(withdrawal)
    assert verdict["errors"][0]["field"] == "revision"


async def test_after_a_restore_what_comes_without_what_was_between_is_said_above_all_that_the_log_holds(
    database: str,
) -> None:
    async with intake(database) as world:
        await world.send(_at(9))
        [backup] = await world.pool.fetch("select * from records")
        await world.send(_at(10, result="positive"), _at(11, result="inconclusive"))
        lost = (await world.events())[1:]
        columns = ", ".join(f"{name} = ${n}" for n, name in enumerate(backup.keys(), 1))
        await world.pool.execute(f"update records set {columns}", *backup.values())
        for event in lost:
            await world.pool.execute(
                "insert into said_before (event_id, cause, record) values ($1, $2, $3)",
                event.id, event.causation, event.to_wire(),
            )  # fmt: skip
        assert await world.words(_at(11, result="inconclusive"), _at(12)) == ["accepted", "accepted"]
        later = (await world.events())[1 + len(lost) :]
        assert [(each.data.revision, each.data.result) for each in later] == [(4, "inconclusive"), (5, "negative")]
