"""Who is told what and when: rungs, digests, missed visits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.events.contacts import Category
from contracts.events.deadlines import MessageSent, Verdict, VisitMissed
from services.alerts import timers
from services.alerts.store import posts
from tests.stores.alerts_world import (
    GRID,
    HOUR,
    LADDER,
    NOON,
    T0,
    Alerts,
    care,
    close,
    every_post,
    found,
    left,
    placed,
    visited,
)


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
    inbox = await posts.load_inbox(alerts.connection, f"command-{GRID}", 10)
    assert [len(message["items"]) for message in inbox] == [40]


async def test_the_institution_is_the_first_rung_of_the_health_line(alerts: Alerts) -> None:
    await alerts.hear(found())
    sent = [e.data.post_id for e in await alerts.at(T0 + HOUR)]
    assert sent == ["hospital-1"]


async def test_visits_are_owed_in_whole_slots_and_missed_ones_climb(alerts: Alerts) -> None:
    # Care from 08:00 Shanghai on 5 March for three days: five whole half-days, the first from noon of the 5th.
    await alerts.hear(care())
    await alerts.hear(visited(NOON + HOUR))
    sent: list[str] = []
    for slot in range(1, 7):
        sent += [
            e.data.post_id for e in await alerts.at(NOON + slot * 12 * HOUR + HOUR) if isinstance(e.data, MessageSent)
        ]
    missed = sorted(m.slot_start_at for m in alerts.standing(VisitMissed).values())
    assert missed == [NOON + i * 12 * HOUR for i in (1, 2, 3, 4)]
    assert sent == [
        f"command-{GRID}",
        f"command-{GRID[:12]}", f"command-{GRID}",
        f"command-{GRID[:9]}", f"command-{GRID}",
        f"command-{GRID[:6]}", f"command-{GRID}",
    ]  # fmt: skip


async def test_a_placement_that_began_later_after_all_owes_no_slot_that_it_does_not_hold_whole(alerts: Alerts) -> None:
    midnight = NOON + 12 * HOUR
    await alerts.hear(care(from_at=midnight))
    await alerts.hear(care(revision=2, from_at=midnight + 8 * HOUR))
    await alerts.at(midnight + 25 * HOUR)
    assert [m.slot_start_at for m in alerts.standing(VisitMissed).values()] == [midnight + 12 * HOUR]


async def test_a_placement_that_began_earlier_after_all_owes_the_slot_that_it_holds_whole_whenever_told(
    alerts: Alerts,
) -> None:
    for person, told_at in (("p1", T0), ("p2", NOON + 2 * HOUR)):
        mine = {"person_id": person, "placement_id": person, "statement_id": f"care:{person}"}
        await alerts.hear(care(**mine))
        await alerts.at(told_at)
        await alerts.hear(care(revision=2, from_at=T0 - 12 * HOUR, **mine))
    await alerts.at(NOON + 13 * HOUR)
    starts = sorted((m.person_id, m.slot_start_at) for m in alerts.standing(VisitMissed).values())
    assert starts == [(who, NOON + n * HOUR) for who in ("p1", "p2") for n in (-12, 0)]


async def test_a_post_is_told_however_long_its_id(alerts: Alerts) -> None:
    await alerts.connection.execute("update posts set post_id = $1 where post_id = $2", "p" * 64, f"command-{GRID}")
    await alerts.hear(close())
    assert [e.data.post_id for e in await alerts.at(T0 + HOUR)] == ["p" * 64]


async def test_what_was_owed_before_there_was_a_post_is_told_once_there_is(alerts: Alerts) -> None:
    await alerts.connection.execute("delete from posts")
    await alerts.hear(close(), care())
    told: dict[int, list[tuple[str, str]]] = {}
    for hours, given in ((2, None), (17, None), (18, GRID[:6]), (19, "3304"), (20, None)):
        new = [post for post in every_post() if post.line == "command" and post.division_code == given]
        async with alerts.connection.transaction():
            await posts.save_posts(alerts.connection, new)
        now = T0 + hours * HOUR
        await alerts.at(now)
        inbox = [each for each in await posts.load_inbox(alerts.connection, None, 10) if each["sent_at"] == now]
        told[hours] = [(each["division_code"], item["about"]) for each in inbox for item in each["items"]]
        assert await timers.pending(alerts.connection, now) == 0
    clock = "transfer.contact.to_quarantine"
    assert told == {2: [], 17: [], 18: [(GRID[:6], clock), (GRID[:6], "visit")], 19: [("3304", clock)], 20: []}


async def test_who_is_a_contact_again_after_quarantine_is_told_of_again_from_the_first_post_on(alerts: Alerts) -> None:
    await alerts.hear(close())
    await alerts.at(T0 + HOUR)
    await alerts.hear(placed(T0 + 2 * HOUR))
    await alerts.hear(left(T0 + 300 * HOUR), close(T0 + 500 * HOUR, revision=2))
    assert alerts.verdicts() == {"transfer.contact.to_quarantine": Verdict.RUNNING}
    sent = [e.data.post_division_code for e in await alerts.at(T0 + 501 * HOUR) if isinstance(e.data, MessageSent)]
    assert sent == [GRID]
    assert await alerts.at(T0 + 502 * HOUR) == []


async def test_a_post_whose_title_alone_changed_is_no_new_one(alerts: Alerts) -> None:
    await alerts.at(T0)
    async with alerts.connection.transaction():
        await posts.save_posts(alerts.connection, [replace(post, title="another") for post in every_post()])
        assert await posts.meet_new(alerts.connection) == []
        moved = [replace(post, division_code=GRID[:6]) for post in every_post()[:1]]
        await posts.save_posts(alerts.connection, moved)
        assert await posts.meet_new(alerts.connection) == [("command", GRID[:6], None)]


async def test_a_check_received_late_takes_the_missed_slot_back(alerts: Alerts) -> None:
    await alerts.hear(care())
    await alerts.at(NOON + 13 * HOUR)
    assert len(alerts.standing(VisitMissed)) == 1
    await alerts.hear(visited(NOON + HOUR))
    assert alerts.standing(VisitMissed) == {}
    await alerts.hear(visited(NOON + HOUR, revision=2, withdrawn=True))
    assert len(alerts.standing(VisitMissed)) == 1


async def test_a_schedule_cut_short_owes_nothing_after_its_end(alerts: Alerts) -> None:
    await alerts.hear(care())
    await alerts.at(NOON + 30 * HOUR)
    assert len(alerts.standing(VisitMissed)) == 2
    await alerts.hear(care(revision=2, until_at=NOON + 12 * HOUR))
    assert len(alerts.standing(VisitMissed)) == 1
    assert await alerts.at(NOON + 60 * HOUR) == []


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
