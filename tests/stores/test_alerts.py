"""Alerts on a real PostgreSQL: clocks opened, stopped and run out in any order; digests; two transactions at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from contracts.envelope import Event, Fact, say
from contracts.events.cases import CaseFound, CaseReported, Classification, FoundHow
from contracts.events.contacts import Category, ContactIdentified, Standing
from contracts.events.deadlines import DeadlineJudged, MessageSent, Verdict, VisitMissed
from contracts.events.policies import PolicyAdopted
from contracts.events.quarantine import CareScheduled, Mode, PersonVisited, PlacementStarted
from services.alerts import handlers, timers
from services.alerts.service import SERVICE
from services.alerts.store import posts
from services.alerts.store.posts import Post
from services.chassis.database import prepare

GRID = "330421001001001"
T0 = datetime(2022, 3, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LADDER = [(GRID, "grid leader"), (GRID[:12], "village"), (GRID[:9], "township"), (GRID[:6], "county"), ("3304", "city")]


def said(fact: Fact, at: datetime = T0) -> Event[Any]:
    return say(fact, source="intake", time=at, division=GRID, cause="test")


def found(at: datetime = T0, **more: Any) -> Event[Any]:
    fields = {"statement_id": "f1", "person_id": "p1", "classification": Classification.CONFIRMED, "found_at": at}
    return said(CaseFound(**{**fields, "found_how": FoundHow.MASS_TESTING, "institution": "hospital-1", **more}), at)


def reported(at: datetime, **more: Any) -> Event[Any]:
    fields = {"statement_id": "r1", "person_id": "p1", "reported_at": at, "institution": "hospital-1"}
    return said(CaseReported(**{**fields, **more}), at)


def close(at: datetime = T0, **more: Any) -> Event[Any]:
    fields = {
        "statement_id": "contact:p1",
        "person_id": "p1",
        "category": Category.CLOSE,
        "linked_id": "c1",
        "found_at": at,
    }
    known = {"last_exposure_at": at, "exposure_ids": ("e1",), "edition": "covid-ed8", "standing": Standing.IN_FORCE}
    return said(ContactIdentified(**{**fields, **known, **more}), at)


def placed(at: datetime, **more: Any) -> Event[Any]:
    fields = {"statement_id": "pl1", "person_id": "p1", "placement_id": "pl1", "site_id": "s1", "started_at": at}
    return said(PlacementStarted(**{**fields, "mode": Mode.CENTRAL_QUARANTINE, **more}), at)


def care(**more: Any) -> Event[Any]:
    fields = {"statement_id": "care:pl1", "person_id": "p1", "placement_id": "pl1", "mode": Mode.CENTRAL_QUARANTINE}
    span = {"from_at": T0, "until_at": T0 + timedelta(days=3), "checks_per_day": 2, "test_dates": (date(2022, 3, 6),)}
    return said(CareScheduled(**{**fields, **span, "edition": "covid-ed8", "standing": Standing.IN_FORCE, **more}))


def visited(at: datetime, number: int = 1, **more: Any) -> Event[Any]:
    return said(PersonVisited(**{"statement_id": f"v{number}", "person_id": "p1", "visited_at": at, **more}), at)


class Alerts:
    """The service's batches and timers on one connection, a transaction each."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Event[Any]] = []

    async def hear(self, *events: Event[Any]) -> list[Event[Any]]:
        async with self.connection.transaction():
            out = await handlers.on_batch(events, self.connection)
        self.events += out
        return out

    async def at(self, now: datetime) -> list[Event[Any]]:
        out: list[Event[Any]] = []
        more = True
        while more:
            async with self.connection.transaction():
                worked = await timers.work(self.connection, now)
            out, more = out + list(worked.events), worked.more
        self.events += out
        return out

    def standing(self, kind: type[Fact]) -> dict[str, Any]:
        """The highest revision of each statement of a kind; withdrawn ones are left out."""
        newest: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event.data, kind):
                assert newest.get(event.data.statement_id) is None or (
                    event.data.revision > newest[event.data.statement_id].revision
                ), "a revision was said twice"
                newest[event.data.statement_id] = event.data
        return {key: fact for key, fact in newest.items() if not fact.withdrawn}

    def verdicts(self) -> dict[str, Verdict]:
        return {fact.deadline: fact.verdict for fact in self.standing(DeadlineJudged).values()}


async def connected(dsn: str) -> Any:
    return await asyncpg.connect(dsn, server_settings={"search_path": "alerts"})


@pytest.fixture
async def alerts(database: str) -> AsyncIterator[Alerts]:
    connection = await connected(database)
    async with connection.transaction():
        await prepare(connection, "alerts", SERVICE.schema)
        await posts.save_posts(connection, _posts())
    yield Alerts(connection)
    await connection.close()


def _posts() -> list[Post]:
    command = [Post(f"command-{code}", "command", code, None, title) for code, title in LADDER]
    health = [Post(f"health-{code}", "health", code, None, title) for code, title in LADDER[3:]]
    return [*command, *health, Post("hospital-1", "health", GRID[:6], "hospital-1", "infection control")]


async def test_a_case_reported_in_time_keeps_its_clock_whatever_comes_first(alerts: Alerts) -> None:
    await alerts.hear(reported(T0 + HOUR))
    assert alerts.events == []
    await alerts.hear(found())
    assert alerts.verdicts() == {"report.case.direct": Verdict.KEPT}


async def test_a_missed_clock_turns_late_when_the_act_comes_after_all(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + 12 * HOUR)
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.RUNNING}
    await alerts.at(T0 + 13 * HOUR)
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.MISSED}
    await alerts.hear(placed(T0 + 14 * HOUR))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.LATE}


async def test_an_act_done_in_time_but_heard_late_keeps_the_clock_after_all(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + 13 * HOUR)
    await alerts.hear(said(placed(T0 + 11 * HOUR).data, T0 + 14 * HOUR))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}


async def test_a_contact_that_is_none_after_all_cancels_the_clock_and_nobody_is_told(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.hear(close(revision=2, withdrawn=True))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.CANCELLED}
    assert await alerts.at(T0 + 50 * HOUR) == []


async def test_an_adoption_makes_provisional_clocks_binding(alerts: Alerts) -> None:
    await alerts.hear(found(), reported(T0 + 3 * HOUR))
    assert [f.standing for f in alerts.standing(DeadlineJudged).values()] == [Standing.PROVISIONAL]
    adopted = PolicyAdopted(
        statement_id="a1", jurisdiction_code="3304", rule="report.case.direct", adopted_from=T0 - HOUR,
        decided_by="city command", document="2022-8",
    )  # fmt: skip
    await alerts.hear(said(adopted))
    assert [(f.verdict, f.standing) for f in alerts.standing(DeadlineJudged).values()] == [
        (Verdict.LATE, Standing.ADOPTED)
    ]


async def test_the_responsible_post_is_told_first_then_one_rung_an_hour_after_the_deadline(alerts: Alerts) -> None:
    await alerts.hear(close())
    told: list[tuple[str, int]] = []
    for minutes in (1, 2, 12 * 60, 12 * 60 + 1, 13 * 60, 13 * 60 + 1, 20 * 60):
        for event in await alerts.at(T0 + timedelta(minutes=minutes)):
            if isinstance(event.data, MessageSent):
                told.append((event.data.post_division_code, minutes))
    assert told == [
        (GRID, 2), (GRID[:12], 12 * 60 + 1), (GRID[:9], 13 * 60 + 1), ("3304", 20 * 60), (GRID[:6], 20 * 60),
    ]  # fmt: skip


async def test_a_stopped_clock_is_told_to_nobody_more(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + 2 * HOUR)
    await alerts.hear(placed(T0 + 3 * HOUR))
    assert await alerts.at(T0 + 40 * HOUR) == []


async def test_one_digest_names_every_item_of_a_post(alerts: Alerts) -> None:
    many = [close(statement_id=f"contact:p{i}", person_id=f"p{i}") for i in range(40)]
    await alerts.hear(*many)
    sent = [e.data for e in await alerts.at(T0 + HOUR)]
    assert [(m.post_id, m.items) for m in sent] == [(f"command-{GRID}", 40)]
    inbox = await posts.load_inbox(alerts.connection, f"command-{GRID}", "33", 10)
    assert [len(message["items"]) for message in inbox] == [40]


async def test_the_institution_is_the_first_rung_of_the_health_line(alerts: Alerts) -> None:
    await alerts.hear(found())
    sent = [e.data.post_id for e in await alerts.at(T0 + HOUR)]
    assert sent == ["hospital-1"]


async def test_visits_are_owed_in_whole_slots_and_missed_ones_climb(alerts: Alerts) -> None:
    # Care from 08:00 Shanghai on 5 March for three days: five whole half-days, the first from noon of the 5th.
    await alerts.hear(care())
    noon = datetime(2022, 3, 5, 4, tzinfo=UTC)
    await alerts.hear(visited(noon + HOUR))
    sent: list[str] = []
    for slot in range(1, 7):
        sent += [
            e.data.post_id for e in await alerts.at(noon + slot * 12 * HOUR + HOUR) if isinstance(e.data, MessageSent)
        ]
    missed = sorted(m.slot_start_at for m in alerts.standing(VisitMissed).values())
    assert missed == [noon + i * 12 * HOUR for i in (1, 2, 3, 4)]
    assert sent == [
        f"command-{GRID}",
        f"command-{GRID[:12]}", f"command-{GRID}",
        f"command-{GRID[:9]}", f"command-{GRID}",
        f"command-{GRID[:6]}", f"command-{GRID}",
    ]  # fmt: skip


async def test_a_check_received_late_takes_the_missed_slot_back(alerts: Alerts) -> None:
    await alerts.hear(care())
    noon = datetime(2022, 3, 5, 4, tzinfo=UTC)
    await alerts.at(noon + 13 * HOUR)
    assert len(alerts.standing(VisitMissed)) == 1
    await alerts.hear(visited(noon + HOUR))
    assert alerts.standing(VisitMissed) == {}
    await alerts.hear(visited(noon + HOUR, revision=2, withdrawn=True))
    assert len(alerts.standing(VisitMissed)) == 1


async def test_a_schedule_cut_short_owes_nothing_after_its_end(alerts: Alerts) -> None:
    await alerts.hear(care())
    noon = datetime(2022, 3, 5, 4, tzinfo=UTC)
    await alerts.at(noon + 30 * HOUR)
    assert len(alerts.standing(VisitMissed)) == 2
    await alerts.hear(care(revision=2, until_at=noon + 12 * HOUR))
    assert len(alerts.standing(VisitMissed)) == 1
    assert await alerts.at(noon + 60 * HOUR) == []


async def test_any_order_and_repetition_of_facts_ends_in_the_same_verdicts(alerts: Alerts) -> None:
    noon = datetime(2022, 3, 5, 4, tzinfo=UTC)
    facts = [
        found(), found(revision=2, found_at=T0 + HOUR), reported(T0 + 4 * HOUR), close(),
        close(revision=2, found_at=T0 + HOUR), placed(T0 + 15 * HOUR),
        care(), care(revision=2, until_at=noon + 36 * HOUR),
        visited(noon + HOUR), visited(noon + 13 * HOUR, 2), visited(noon + 26 * HOUR, 2, revision=2),
    ]  # fmt: skip
    ends = []
    for seed in range(6):
        await alerts.connection.execute(
            "truncate people, openings, stops, clocks, watches, checks, missed, messages, adoptions"
        )
        alerts.events.clear()
        await _heard_in_pieces(alerts, facts, random.Random(seed))
        await alerts.at(noon + 80 * HOUR)
        ends.append((alerts.verdicts(), sorted(m.slot_end_at for m in alerts.standing(VisitMissed).values())))
    assert all(end == ends[0] for end in ends)
    assert ends[0][0] == {"report.case.direct": Verdict.LATE, "transfer.contact.to_quarantine": Verdict.LATE}


async def _heard_in_pieces(alerts: Alerts, facts: Sequence[Event[Any]], chance: random.Random) -> None:
    order = chance.sample([*facts, *facts], 2 * len(facts))
    while order:
        size = chance.randint(1, 5)
        await alerts.hear(*order[:size])
        await alerts.at(T0 + timedelta(hours=chance.randint(0, 10)))
        order = order[size:]


@asynccontextmanager
async def two(database: str) -> AsyncIterator[tuple[Any, Any]]:
    first, second = await connected(database), await connected(database)
    try:
        yield first, second
    finally:
        await first.close()
        await second.close()


async def test_an_opening_and_its_stop_side_by_side_meet_in_one_of_the_two(alerts: Alerts, database: str) -> None:
    async with two(database) as (first, second):
        transaction = first.transaction()
        await transaction.start()
        one = await handlers.on_batch([close()], first)

        async def other() -> list[Event[Any]]:
            async with second.transaction():
                return await handlers.on_batch([placed(T0 + HOUR)], second)

        waiting = asyncio.create_task(other())
        await _until_waiting(alerts.connection)
        await transaction.commit()
        alerts.events += one + await waiting
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}


async def test_a_timer_passes_over_people_whom_an_open_batch_holds(alerts: Alerts, database: str) -> None:
    await alerts.hear(close())
    async with two(database) as (first, second):
        transaction = first.transaction()
        await transaction.start()
        said_ = await handlers.on_batch([placed(T0 + HOUR)], first)
        async with second.transaction():
            worked = await timers.run_out(second, T0 + 20 * HOUR)
            told = await timers.tell(second, T0 + 20 * HOUR)
        await transaction.commit()
    assert (list(worked.events), list(told.events)) == ([], [])
    alerts.events += said_
    assert await alerts.at(T0 + 20 * HOUR) == []
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.KEPT}


async def _until_waiting(connection: Any) -> None:
    while not await connection.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_line_goes_up_from_where_the_institution_lies_and_skips_levels_without_a_post(alerts: Alerts) -> None:
    elsewhere = "330483001001001"
    asked = [("health", elsewhere, "hospital-1"), ("health", elsewhere, None), ("command", GRID, None)]
    async with alerts.connection.transaction():
        ladders = await posts.load_ladders(alerts.connection, asked)
    assert [post.post_id for post in ladders[asked[0]]] == ["hospital-1", "health-330421", "health-3304"]
    assert [post.post_id for post in ladders[asked[1]]] == ["health-3304"]
    assert [post.division_code for post in ladders[asked[2]]] == [code for code, _ in LADDER]


async def test_a_contact_that_becomes_close_later_is_told_as_new_then(alerts: Alerts) -> None:
    await alerts.hear(close(category=Category.SECONDARY))
    later = T0 + 5 * HOUR
    await alerts.hear(close(later, revision=2))
    assert await alerts.at(later) == []
    assert [e.data.post_id for e in await alerts.at(later + timedelta(minutes=2))] == [f"command-{GRID}"]
