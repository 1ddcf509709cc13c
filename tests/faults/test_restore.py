"""A service's database put back to an earlier instant: found out, `gridward new-epoch`, then neither lost nor doubled.

The state at rest before the accident is the undisturbed one: what the service is brought back to must equal it, and
those who hear it must not have noticed. One story, told on by each test.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import pytest

from contracts.topics import SERVICES
from services.chassis.errors import HalfDone
from services.chassis.rebuilding import open_again
from services.chassis.running import running
from services.tracing.replaying import REPLAYING
from services.tracing.service import SERVICE
from tests.faults.city import City
from tests.faults.compared import equal
from tests.servers import Background

Dumps = Mapping[str, Mapping[str, list[str]]]
OF_THE_EPOCH = ("lanes", "positions")  # numbers begin anew; the books say that they are equal
_STATE = ("division_code", "category", "classification", "care")
SLOTS = "ledger"  # a row falls into a slot by the connection that wrote it: what counts is the sum
_LEDGER = """select jsonb_build_array(feed, hour_at, sum(received), sum(accepted), sum(duplicate), sum(rejected))::text
               from ledger group by feed, hour_at order by 1"""
SEALED = ("vault_persons.sealed", "vault_dwellings.sealed", "vault_rejects.sealed", "vault_rejects.rejected_at")
SALTS = "vault_salts"  # of weeks to come; those that ids are drawn with are the same, or the ids would not be


async def _all(town: City) -> Dumps:
    async with town.client() as client:
        await town.quiet(client)
    dumps = {name: await town.dump(name, *OF_THE_EPOCH, *SEALED, SLOTS, SALTS) for name in SERVICES}
    dumps["intake"][SLOTS] = [row[0] for row in await town.fetch("intake", _LEDGER)]
    return dumps


def _differences(before: Dumps, after: Dumps) -> dict[str, list[str]]:
    return {name: wrong for name in SERVICES if (wrong := equal(dict(before[name]), dict(after[name])))}


async def _goes_on(town: City) -> None:
    """New facts are said above what was said before, and each event of the log is taken once."""
    await town.play(3)
    assert await town.unheard() == []
    assert set((await town.taken()).values()) == {1}


async def _derived(town: City, name: str) -> None:
    await town.play(4)
    await town.back_up(name)
    await town.play(4)
    before = await _all(town)
    await town.put_back(name)
    await town.start(name, ready=False)
    assert f"gridward new-epoch {name}" in await town.refused(name)
    await town.stop(name)
    opened = await town.command("new-epoch", name, service=name)
    assert f"epoch 2 of {name} is open" in opened and " 0 said otherwise go out" in opened
    await town.start(name)
    assert _differences(before, await _all(town)) == {}
    await _goes_on(town)


@pytest.mark.parametrize("name", ["tracing", "alerts"])
def test_a_derived_service_put_back_neither_loses_nor_doubles(town: City, background: Background, name: str) -> None:
    background.run(_derived(town, name))


_POSTS = "select coalesce(jsonb_agg(to_jsonb(posts))::text, '[]') from posts"
_POSTS_BACK = "insert into posts select * from jsonb_populate_recordset(null::posts, $1)"


async def _lost(town: City, name: str) -> None:
    """Posts are not of the log: what an operator keeps of them is put into the new database first."""
    await town.play(2)
    before = await _all(town)
    posts = await town.fetch(name, _POSTS) if name == "alerts" else []
    await town.lose(name)
    await town.start(name, ready=False)
    assert f"gridward new-epoch {name}" in await town.refused(name)
    await town.stop(name)
    for row in posts:
        await town.fetch(name, _POSTS_BACK, row[0])
    opened = await town.command("new-epoch", name, service=name)
    assert f"of {name} is open" in opened and " 0 said otherwise go out" in opened
    await town.start(name)
    assert _differences(before, await _all(town)) == {}
    await _goes_on(town)


@pytest.mark.parametrize("name", ["tracing", "alerts"])
def test_a_derived_service_whose_database_is_lost_altogether_is_made_again_from_the_log(
    town: City, background: Background, name: str
) -> None:
    background.run(_lost(town, name))


async def _rollup(town: City) -> None:
    await town.play(2)
    await town.back_up("rollup")
    await town.play(3)
    before = await _all(town)
    await town.put_back("rollup")
    await town.start("rollup")
    assert _differences(before, await _all(town)) == {}
    await _goes_on(town)


def test_rollup_put_back_says_nothing_and_so_hears_again_by_itself(town: City, background: Background) -> None:
    background.run(_rollup(town))


async def _again(town: City, *, backwards: bool) -> tuple[Dumps, Dumps, Counter[str]]:
    """intake is put back three steps, and its senders send them again; the verdicts of the second time."""
    await town.play(2)
    await town.back_up("intake")
    first, steps = Counter[str](), range(town.played, town.played + 3)
    for number in steps:
        first += await town.send_step(number)
    town.played += 3
    before = await _all(town)
    await town.put_back("intake")
    await town.start("intake", ready=False)
    assert "gridward new-epoch intake" in await town.refused("intake")
    async with town.client() as client:
        answer = await client.post(f"{town.urls['intake']}/records", content=b"{}")
        assert answer.status_code == 503 and "new-epoch" in answer.text
    await town.command("new-epoch", "intake", service="intake")
    await town.start()
    second = Counter[str]()
    for number in steps:
        second += await town.send_step(number, backwards=backwards)
    assert backwards or second == first
    return before, await _all(town), second


async def _intake(town: City) -> None:
    said = sum((await town.taken()).values())
    before, after, _ = await _again(town, backwards=False)
    assert _differences(before, after) == {}
    assert sum((await town.taken()).values()) > said
    await _goes_on(town)


def test_intake_put_back_draws_the_same_ids_when_the_senders_send_again(town: City, background: Background) -> None:
    background.run(_intake(town))


def _without_ids(dumps: Dumps) -> Counter[tuple[str, ...]]:
    """How many people stand in each state."""
    states = [json.loads(row) for row in dumps["tracing"]["states"]]
    return Counter(tuple(str(state[name]) for name in _STATE) for state in states if state["part"] or state["category"])


async def _intake_backwards(town: City) -> None:
    """Members of a household who were first named elsewhere are in doubt; they are restated under ids drawn anew."""
    before, after, _ = await _again(town, backwards=True)
    keys = [Counter(dumps["intake"]["vault_keys"]) for dumps in (before, after)]
    anew = (keys[0] - keys[1]).total()
    assert anew == (keys[1] - keys[0]).total() <= len(before["intake"]["vault_keys"]) / 20
    assert before["rollup"]["sums"] == after["rollup"]["sums"]
    assert _without_ids(before) == _without_ids(after)
    await _goes_on(town)


def test_intake_put_back_adopts_the_ids_of_the_log_when_the_records_come_in_another_order(
    town: City, background: Background
) -> None:
    background.run(_intake_backwards(town))


class Interrupted(Exception):
    """Ctrl-C in the middle."""


def _interrupt(*_: object) -> None:
    raise Interrupted


async def _broken_off(town: City) -> None:
    await town.back_up("tracing")
    await town.play(2)
    before = await _all(town)
    await town.put_back("tracing")
    with pytest.raises(Interrupted):
        await open_again(SERVICE, REPLAYING, town.settings("tracing"), _interrupt)
    with pytest.raises(HalfDone, match="gridward new-epoch tracing"):
        async with running(SERVICE, town.settings("tracing")):
            pass
    assert "gridward new-epoch tracing" in await town.command("rebuild", "tracing", service="tracing", code=2)
    await town.command("new-epoch", "tracing", service="tracing")
    await town.start("tracing")
    assert _differences(before, await _all(town)) == {}


def test_a_new_epoch_broken_off_keeps_the_service_from_starting_and_is_run_again(
    town: City, background: Background
) -> None:
    background.run(_broken_off(town))
