"""The sample's truth on small stories written by hand: contacts, clocks, and who is told what at which step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.indicators import BY_CODE
from contracts.policy import slots_between
from deploy.sample.counts import GRIDS
from deploy.sample.mail import Mail, Sent, Verdict
from deploy.sample.people import NOWHERE, with_check_digit
from deploy.sample.places import load_places
from deploy.sample.steps import STEPS, half_days, march, step_at
from deploy.sample.truth import truth_of
from deploy.sample.truth.book import StoryError
from deploy.sample.truth.figures import INDICATORS

CITY, GRID, OTHER_GRID = "3304", "330421001001001", "330421001002001"


@pytest.mark.parametrize(("start", "until"), [("00:00", "00:00"), ("00:01", "23:59"), ("12:00", "11:59")])
def test_half_days_are_those_of_the_policy(start: str, until: str) -> None:
    first, last = march(5, start), march(8, until)
    assert half_days(first, last) == slots_between(first, last, 2)


def person(number: int) -> dict[str, str]:
    return {"id_number": with_check_digit(f"{NOWHERE}19800101{number:03d}")}


def a_case(mail: Mail, at: datetime, **changed: Any) -> Mail:
    """A case found at an instant in Jiashan, whom another person had dined with on the day before."""
    finding: dict[str, Any] = {
        "person": person(1), "classification": "confirmed", "found_at": at, "found_how": "fever_clinic",
        "institution": "hospital-330421",
    }  # fmt: skip
    mail.send(step_at(at), "hospital-330421", "case-finding", GRID, **finding | changed)
    mail.send(
        step_at(at), "cdc-330421", "exposure", OTHER_GRID, person=person(2), other=person(1), other_division_code=GRID,
        way="dined", first_at=at - timedelta(days=1), last_at=at - timedelta(hours=20),
    )  # fmt: skip
    return mail


def placed(mail: Mail, step: int) -> Mail:
    until = march(20, "00:00")
    measure = {"mode": "central_quarantine", "from_at": STEPS[step].isoformat(), "until_at": until.isoformat()}
    mail.send(
        step, "command-330421", "quarantine-order", OTHER_GRID, person=person(2), order_id="o",
        served_at=STEPS[step], measures=[measure],
    )  # fmt: skip
    mail.send(
        step, "site-330421", "placement", OTHER_GRID, person=person(2), placement_id="p",
        mode="central_quarantine", started_at=STEPS[step],
    )  # fmt: skip
    return mail


def truth(mail: Mail) -> dict[str, Any]:
    return truth_of(mail, load_places(GRIDS))


def test_the_truth_counts_every_figure_that_the_services_have() -> None:
    assert sorted(INDICATORS) == sorted(BY_CODE)


def test_a_story_in_which_the_quicker_one_decides_is_refused() -> None:
    """The contact is placed at the very step at which the grid leader is told of her."""
    found = march(5, "13:00")
    with pytest.raises(StoryError, match="told first"):
        truth(placed(a_case(Mail(), found), step_at(found) + 1))


def test_a_case_that_nobody_reports_is_told_up_to_the_province() -> None:
    told = truth(a_case(Mail(), march(5, "13:00")))["messages"]
    health = [(message["at"][11:16], message["post_id"]) for message in told if message["post_id"].startswith("health")]
    assert health == [
        ("14:00", "health-hospital-330421"),
        ("16:00", "health-330421"),
        ("17:00", "health-3304"),
        ("18:00", "health-33"),
    ]


def test_a_case_with_its_report_is_told_to_nobody_and_kept() -> None:
    said = truth(a_case(Mail(), march(5, "13:00"), reported_at=march(5, "13:00")))
    assert not [message for message in said["messages"] if message["post_id"].startswith("health")]
    assert said["figures"][CITY]["deadlines-kept"] == 1


def test_two_missed_visits_in_a_row_reach_the_village_as_well() -> None:
    found = march(5, "13:00")
    mail = placed(a_case(Mail(), found, reported_at=found), step_at(found) + 2)
    for day in range(6, 20):
        for clock in ("08:00", "16:00"):
            if (day, clock) not in ((8, "16:00"), (9, "08:00")):
                at = march(day, clock)
                mail.send(step_at(at), "site-330421", "visit", OTHER_GRID, person=person(2), visited_at=at)
    said = truth(mail)
    visits = [(it["at"], it["post_id"]) for it in said["messages"] if it["at"] > march(8, "00:00").isoformat()]
    assert visits == [
        ("2022-03-09T00:05:00+08:00", f"command-{OTHER_GRID}"),
        ("2022-03-09T17:00:00+08:00", f"command-{OTHER_GRID[:12]}"),
        ("2022-03-09T17:00:00+08:00", f"command-{OTHER_GRID}"),
    ]
    assert (said["figures"][CITY]["visits-missed"], said["figures"][CITY]["visits-done"]) == (2, 26)


def test_an_excluded_case_leaves_no_contact_and_cancels_the_clock() -> None:
    found = march(5, "13:00")
    mail = a_case(Mail(), found, reported_at=found)
    mail.send(
        step_at(found) + 2, "hospital-330421", "case-classification", GRID, person=person(1),
        classification="excluded", classified_at=STEPS[step_at(found) + 2],
    )  # fmt: skip
    said = truth(mail)
    assert said["figures"][CITY]["close-contacts"] == 0
    assert [clock["verdict"] for clock in said["clocks"]] == ["kept", "cancelled"]


def test_what_the_door_rejects_counts_nowhere() -> None:
    mail = a_case(Mail(), march(5, "13:00"))
    for sent in mail.sent:
        sent.verdict = Verdict.REJECTED
    said = truth(mail)
    assert (said["people"]["known"], said["messages"], said["end_states"]) == (0, [], {})


def same(mail: Mail, step: int, other: dict[str, Any]) -> Sent:
    return mail.send(
        step, "command-3304", "same-person", OTHER_GRID, kept={"person": person(2)}, other=other, decided_by="post-1",
        decided_at=STEPS[step], reason="one card",
    )  # fmt: skip


def test_what_a_site_says_of_its_guest_is_said_of_the_person_whom_the_guest_turned_out_to_be() -> None:
    found = march(5, "16:00")
    story = [placed(a_case(Mail(), found, reported_at=found), step_at(found) + 2) for _ in range(2)]
    same(story[0], 0, {"person_ref": "guest-1"})
    guest = next(sent for sent in story[0].sent if sent.kind == "placement").record
    guest["person_ref"] = "guest-1"
    del guest["person"]
    told, plain = map(truth, story)
    assert (told["end_states"], told["clocks"]) == (plain["end_states"], plain["clocks"])


def test_two_who_are_found_to_be_two_after_all_are_two() -> None:
    story = [a_case(Mail(), march(5, "16:00")) for _ in range(2)]
    story[0].withdraw(same(story[0], 0, {"person": person(1)}), 1)
    told, plain = map(truth, story)
    assert told["end_states"] == plain["end_states"]


def test_a_story_may_not_hang_on_who_hears_first_that_two_are_one() -> None:
    mail = a_case(Mail(), march(5, "06:30"))
    same(mail, step_at(march(5, "12:05")), {"person": person(1)})
    with pytest.raises(StoryError, match="spoken of before"):
        truth(mail)


def a_lead(mail: Mail, at: datetime, division: str = GRID, source: str = "letter") -> Sent:
    return mail.send(
        step_at(at), "desk-330421", "lead", division, person=person(5), source=source, received_at=at,
    )  # fmt: skip


def a_step(mail: Mail, lead: Sent, did: str, at: datetime, division: str, **more: Any) -> Sent:
    followed = {"feed": lead.feed, "source_id": lead.record["source_id"]}
    return mail.send(
        step_at(at), "grid-330421", f"lead-{did}", division, lead=followed, done_at=at, done_by="p", **more
    )


def adopted(mail: Mail, hours: int) -> Mail:
    mail.send(
        0, "command-3304", "policy-adoption", CITY, rule="land.lead.letter", adopted_from=march(5, "00:00"), hours=hours
    )
    return mail


def test_each_division_that_holds_a_lead_has_a_clock_of_its_own_and_is_told_by_its_own_line() -> None:
    mail = adopted(Mail(), 3)
    lead = a_lead(mail, march(5, "10:00"), GRID[:6])
    a_step(mail, lead, "passed-on", march(5, "12:05"), GRID[:6], to_division_code=OTHER_GRID)
    a_step(mail, lead, "landed", march(5, "22:00"), OTHER_GRID)
    said = truth(mail)
    assert [(clock["verdict"], clock["started_at"][11:16]) for clock in said["clocks"]] == [
        ("kept", "10:00"), ("late", "12:05"),
    ]  # fmt: skip
    told = [(message["at"][11:16], message["post_id"]) for message in said["messages"]]
    assert told == [
        ("11:00", f"command-{GRID[:6]}"),
        ("13:00", f"command-{OTHER_GRID}"),
        ("16:00", f"command-{OTHER_GRID[:12]}"),
        ("17:00", f"command-{OTHER_GRID[:9]}"),
        ("18:00", f"command-{OTHER_GRID[:6]}"),
        ("20:00", "command-33"),
        ("20:00", "command-3304"),
    ]
    city = said["figures"][CITY]
    assert (city["leads-received"], city["leads-landed"], city["leads-open"], city["deadlines-late"]) == (1, 1, 0, 1)


def test_a_lead_for_which_nobody_adopted_hours_is_told_once_and_has_no_deadline() -> None:
    mail = Mail()
    a_lead(mail, march(5, "10:00"), source="tip")
    said = truth(mail)
    assert [message["post_id"] for message in said["messages"]] == [f"command-{GRID}"]
    city = said["figures"][CITY]
    assert (city["deadlines-unlimited"], city["deadlines-missed"], city["leads-open"]) == (1, 0, 1)


def test_a_lead_taken_back_counts_nowhere_and_its_clock_was_never_due() -> None:
    mail = adopted(Mail(), 24)
    mail.withdraw(a_lead(mail, march(5, "10:00")), step_at(march(5, "12:05")))
    said = truth(mail)
    assert [clock["verdict"] for clock in said["clocks"]] == ["cancelled"]
    assert said["figures"][CITY]["leads-received"] == said["figures"][CITY]["leads-open"] == 0


def test_sought_in_vain_twice_counts_once_where_it_was_first_and_a_step_of_another_is_no_story() -> None:
    mail = adopted(Mail(), 24)
    lead = a_lead(mail, march(5, "10:00"))
    a_step(mail, lead, "not-found", march(5, "12:05"), GRID)
    a_step(mail, lead, "passed-on", march(5, "13:00"), GRID, to_division_code="330424100001")
    a_step(mail, lead, "not-found", march(5, "15:00"), "330424100001")
    figures = truth(mail)["figures"]
    assert (figures["330421"]["leads-not-found"], figures["330424"]["leads-not-found"]) == (1, 0)
    a_step(mail, lead, "landed", march(5, "17:00"), GRID)
    with pytest.raises(StoryError, match="who holds the lead"):
        truth(mail)
