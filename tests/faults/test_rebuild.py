"""tracing, alerts and rollup rebuilt from the log alone while intake goes on accepting: one story, told on by each."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from contracts.envelope import say
from contracts.events.contacts import ContactIdentified
from deploy.play.ways import send
from services.alerts.replaying import REPLAYING as ALERTS
from services.alerts.service import SERVICE
from services.chassis import outbox, rebuilding
from services.chassis.errors import HalfDone
from services.chassis.running import running
from services.tracing.store.published import Published, load_published
from tests.faults.city import City
from tests.faults.compared import equal
from tests.servers import Background
from tests.stores.intake_world import GRID, a_person

SPOILT = {
    "tracing": "truncate states, facts, exposures; update published set revision = 99, body = '{}'",
    "alerts": "update clocks set verdict = 'kept', told = 7; truncate messages, checks, openings",
    "rollup": "update sums set statutory = statutory + 1; truncate counted, history, statements",
}


async def _exercise(town: City) -> None:
    """A case, whom it met, and a list of arrivals, in an exercise: apart from all else, and rebuilt like all else."""
    now, case, other = town.story[town.played - 1].at.isoformat(), a_person(8_001), a_person(8_002)
    head = {"feed": "exercise", "division_code": GRID, "drill": True}
    found = {"classification": "confirmed", "found_at": now, "found_how": "mass_testing", "institution": "hospital-1"}
    met = {"other": case["person"], "other_division_code": GRID, "way": "dined", "first_at": now, "last_at": now}
    lead = {"source": "list", "reference": "list 1", "sent_by": "31", "received_at": now}
    records = [
        {"kind": "case-finding", **case, **found},
        {"kind": "case-classification", **case, "classification": "confirmed", "classified_at": now},
        {"kind": "exposure", **other, **met},
        {"kind": "lead", **other, **lead},
    ]
    async with town.client() as client:
        for number, record in enumerate(records):
            verdict = await town.post(client, {**head, "source_id": f"exercise-{number}-{town.played}", **record})
            assert verdict["verdict"] == "accepted", verdict
        await town.quiet(client)
    assert await town.fetch("tracing", "select from published where type = 'contact-identified' and drill") != []
    assert len(await town.fetch("alerts", "select from clocks where drill")) >= len({"report", "transfer", "lead"})


async def _rebuilt(town: City, name: str) -> None:
    await town.play(5)
    await _exercise(town)
    await town.stop(name)
    before = await town.dump(name)
    await town.execute_in(name, SPOILT[name])
    assert equal(before, await town.dump(name)) != []
    step = town.story[town.played]
    async with town.client() as client:
        rebuilt, verdicts = await asyncio.gather(
            town.command("rebuild", name, service=name), send(client, town.urls["intake"], step.feeds)
        )
    assert f"{name} is rebuilt from" in rebuilt and "0 events that it now says otherwise" in rebuilt
    assert verdicts["accepted"] > 0
    assert equal(before, await town.dump(name)) == []
    await town.start(name)
    await town.play(3)
    assert await town.unheard() == []
    assert set((await town.taken()).values()) == {1}


@pytest.mark.parametrize("name", ["tracing", "alerts", "rollup"])
def test_a_rebuilt_service_is_equal_to_before_while_intake_goes_on_accepting(
    town: City, background: Background, name: str
) -> None:
    background.run(_rebuilt(town, name))


class Interrupted(Exception):
    """Ctrl-C, after some steps were committed."""


def _interrupt(done: int, total: int, at: datetime) -> None:
    if done > total / 2:
        raise Interrupted


async def _interrupted(town: City) -> None:
    await town.stop("alerts")
    before = await town.dump("alerts")
    with pytest.raises(Interrupted):
        await rebuilding.rebuild(SERVICE, ALERTS, town.settings("alerts"), _interrupt)
    assert equal(before, await town.dump("alerts")) != []
    with pytest.raises(HalfDone, match="gridward rebuild alerts"):
        async with running(SERVICE, town.settings("alerts")):
            pass
    assert "gridward rebuild alerts" in await town.command("new-epoch", "alerts", service="alerts", code=2)
    await town.command("rebuild", "alerts", service="alerts")
    assert equal(before, await town.dump("alerts")) == []
    await town.start("alerts")


def test_an_interrupted_rebuild_keeps_the_service_from_starting_and_is_run_again(
    town: City, background: Background
) -> None:
    background.run(_interrupted(town))


async def _said_wrongly(town: City) -> None:
    """tracing once said a contact to be another one's; its present rules do not."""
    await town.play(3)
    await town.stop("tracing")
    async with town.connected("tracing") as tx, tx.transaction():
        row = await tx.fetchrow("select * from published where type = 'contact-identified' and not withdrawn limit 1")
        true = (await load_published(tx, [row["person_id"]]))[row["person_id"]][row["statement_id"]]
        await outbox.write(tx, "tracing", [_wrong(true)])
    rebuilt = await town.command("rebuild", "tracing", service="tracing")
    assert "1 events that it now says otherwise" in rebuilt
    await town.start("tracing")
    async with town.client() as client:
        await town.quiet(client)
    async with town.connected("tracing") as tx:
        after = (await load_published(tx, [true.person_id]))[true.person_id][true.statement_id]
    assert (after.body, after.withdrawn, after.revision) == (true.body, False, true.revision + 2)
    assert await town.unheard() == []


def _wrong(true: Published) -> Any:
    fact = true.fact()
    assert isinstance(fact, ContactIdentified)
    wrong = fact.model_copy(update={"linked_id": "nobody", "revision": true.revision + 1})
    return say(wrong, source="tracing", time=true.event_time, division=true.division_code, drill=true.drill)


def test_what_a_rebuilt_service_says_otherwise_goes_out_once_above_what_was_said(
    town: City, background: Background
) -> None:
    background.run(_said_wrongly(town))


MISTAKES = [
    (("rebuild", "tracing"), "tracing is running on this database: stop every replica of it first"),
    (("rebuild", "intake"), "intake is where the log comes from"),
    (("rebuild", "rolup"), "no service 'rolup'"),
    (("new-epoch", "alerts"), "alerts is running on this database"),
    (("new-epoch", "intake"), "the relay of intake is at work: stop the service first"),
    (("relay", "void", "tracing", "1"), "the relay of tracing is at work: stop the service first"),
    (("relay", "void", "trace", "1"), "no service 'trace'"),
    (("relay", "void", "tracing", "one"), "valid int"),
    (("relay", "void", "tracing", "99999999999999999999"), "equal to 9223372036854775807"),
]


@pytest.mark.parametrize(("words", "answer"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_of_the_operator_ends_in_words_and_code_2(
    town: City, background: Background, words: tuple[str, ...], answer: str
) -> None:
    service = words[-1] if words[-1] in town.databases else "tracing"
    assert answer in background.run(town.command(*words, service=service, code=2))


async def _away(town: City) -> None:
    await town.stop("rollup")
    kafka, database = town.kafka, town.databases["rollup"]
    town.kafka = "127.0.0.1:1"
    assert "GRIDWARD_KAFKA" in await town.command("rebuild", "rollup", service="rollup", code=2)
    town.kafka, town.databases["rollup"] = kafka, "postgresql://nobody@127.0.0.1:1/none"
    assert "GRIDWARD_DATABASE" in await town.command("rebuild", "rollup", service="rollup", code=2)
    town.databases["rollup"] = database
    void = await town.command("relay", "void", "rollup", "4711", service="rollup", code=2)
    assert "the outbox of rollup has no row 4711" in void
    await town.start("rollup")


def test_a_server_that_is_away_and_a_row_that_is_not_there_are_told_in_words(
    town: City, background: Background
) -> None:
    background.run(_away(town))
