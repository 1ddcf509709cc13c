"""The plans as data: what holds when, where, and how firmly."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from contracts import policy
from contracts.events.contacts import Category
from contracts.policy import Adoption, Mode, NoEdition, NoPlan, Plan, Standing, UnknownKey

REPORT = "report.case.direct"
TRANSFER = "transfer.contact.to_quarantine"
JIAXING, NANHU, TOWN = "3304", "330402", "330402001"


def at(text: str) -> datetime:
    """A Shanghai time: "2022-03-01 10:00", or a day for its noon."""
    return datetime.fromisoformat(f"{text if ' ' in text else text + ' 12:00'}+08:00")


def an_adoption(key: str = REPORT, code: str = JIAXING, since: str = "2021-06-01") -> Adoption:
    return Adoption(division_code=code, key=key, adopted_from=at(since), decided_by="headquarters", document="No. 7")


def a_plan(category: Category, day: str) -> Plan:
    plan = policy.quarantine_plan(category, at(day), JIAXING)
    assert isinstance(plan, Plan), plan
    return plan


REPORTS = [
    ("2020-01-16", "covid-ed1", None, None, Standing.BLANK),
    ("2020-01-23", "covid-ed2", 2, "A", Standing.IN_FORCE),
    ("2020-01-29", "covid-ed3", 2, "A", Standing.IN_FORCE),
    ("2020-02-07", "covid-ed4", 2, "C", Standing.PROVISIONAL),
    ("2020-02-22", "covid-ed5", 2, "C", Standing.PROVISIONAL),
    ("2020-03-08", "covid-ed6", 2, "C", Standing.PROVISIONAL),
    ("2020-09-16", "covid-ed7", 2, "C", Standing.PROVISIONAL),
    ("2021-05-15", "covid-ed8", 2, "C", Standing.PROVISIONAL),
    ("2022-06-29", "covid-ed9", 2, "C", Standing.PROVISIONAL),
    ("2022-11-12", "covid-20m", 2, "C", Standing.PROVISIONAL),
    ("2022-12-08", "covid-10m", 2, "C", Standing.PROVISIONAL),
    ("2023-01-09", "covid-class-b", 24, "C", Standing.PROVISIONAL),
]


@pytest.mark.parametrize(("day", "edition", "hours", "certainty", "standing"), REPORTS)
def test_the_report_deadline_of_every_edition(
    day: str, edition: str, hours: float | None, certainty: str | None, standing: Standing
) -> None:
    found = policy.deadline(REPORT, at(day), JIAXING)
    assert (found.edition, found.hours, found.certainty, found.standing) == (edition, hours, certainty, standing)


def test_the_table_of_reports_names_every_edition() -> None:
    assert [row[1] for row in REPORTS] == [edition.id for edition in policy.editions()]


def test_before_the_first_edition_there_is_none() -> None:
    last = at("2020-01-14 23:59")
    with pytest.raises(NoEdition, match="2020-01-14 is before 2020-01-15"):
        policy.edition_at(last)
    report = policy.deadline(REPORT, last, JIAXING)
    assert (report.edition, report.hours, report.standing) == ("none", None, Standing.BLANK)
    back = policy.lookback(last, JIAXING)
    assert (back.edition, back.days_before, back.standing) == ("none", None, Standing.BLANK)
    plan = policy.quarantine_plan(Category.CLOSE, last, JIAXING)
    assert isinstance(plan, NoPlan)
    assert not plan.abolished


def test_a_misspelt_deadline_is_an_error_that_lists_the_keys() -> None:
    with pytest.raises(UnknownKey, match=r"report\.case\.direct"):
        policy.deadline("report.case", at("2022-03-01"), JIAXING)


@pytest.mark.parametrize(
    "day, hours, standing",
    [
        ("2021-05-13", None, Standing.BLANK),
        ("2021-05-14", 12, Standing.ADOPTED),  # when ed. 8 came into force is of certainty C
        ("2021-05-18", 12, Standing.IN_FORCE),
        ("2022-06-27", 12, Standing.IN_FORCE),
        ("2022-06-28", None, Standing.BLANK),
        ("2022-11-12", None, Standing.BLANK),
    ],
)
def test_only_ed_8_has_a_known_transfer_deadline(day: str, hours: float | None, standing: Standing) -> None:
    found = policy.deadline(TRANSFER, at(day), JIAXING, [an_adoption(TRANSFER, since="2020-01-01")])
    assert (found.hours, found.standing) == (hours, standing)


def test_an_amending_notice_leaves_the_other_values_in_force() -> None:
    cluster = policy.deadline("report.cluster.phe", at("2022-12-10"), JIAXING)
    assert (cluster.edition, cluster.hours, cluster.standing) == ("covid-10m", 2, Standing.IN_FORCE)
    assert cluster.source.startswith("covid-ed9, left in force by covid-10m: ")


@pytest.mark.parametrize(
    "day, hours", [("2021-09-12", None), ("2021-09-13", 48), ("2022-03-21", 48), ("2022-03-22", 24)]
)
def test_a_rule_may_begin_and_end_within_its_edition(day: str, hours: float | None) -> None:
    assert policy.deadline("screening.region", at(day), JIAXING).hours == hours


@pytest.mark.parametrize("code", [JIAXING, NANHU, TOWN])
def test_an_adoption_binds_in_its_division_and_below(code: str) -> None:
    found = policy.deadline(REPORT, at("2022-03-01"), code, [an_adoption()])
    assert (found.standing, found.hours, found.certainty) == (Standing.ADOPTED, 2, "C")
    assert found.source.endswith("adopted for 3304 by headquarters, No. 7")


@pytest.mark.parametrize(
    "code, adoption",
    [
        ("33", an_adoption()),
        ("3306", an_adoption()),
        (NANHU, an_adoption(code=TOWN)),
        (NANHU, an_adoption(key=TRANSFER)),
        (NANHU, an_adoption(since="2022-03-01 12:01")),
    ],
)
def test_no_adoption_binds_above_beside_for_another_key_or_too_early(code: str, adoption: Adoption) -> None:
    assert policy.deadline(REPORT, at("2022-03-01"), code, [adoption]).standing is Standing.PROVISIONAL


def test_an_adoption_binds_from_its_very_instant() -> None:
    found = policy.deadline(REPORT, at("2022-03-01"), NANHU, [an_adoption(since="2022-03-01")])
    assert found.standing is Standing.ADOPTED


def test_the_nearest_adoption_is_the_one_named() -> None:
    found = policy.deadline(REPORT, at("2022-03-01"), TOWN, [an_adoption(code=NANHU), an_adoption(code="33")])
    assert "adopted for 330402 " in found.source


def test_an_adoption_changes_nothing_where_the_value_is_in_force_or_blank() -> None:
    adopted = [an_adoption(since="2020-01-01")]
    assert policy.deadline(REPORT, at("2020-01-23"), NANHU, adopted).standing is Standing.IN_FORCE
    assert policy.deadline(REPORT, at("2020-01-16"), NANHU, adopted).standing is Standing.BLANK


def test_ed_8_quarantines_a_close_contact_14_days_and_watches_7_more() -> None:
    plan = a_plan(Category.CLOSE, "2022-03-01")
    assert [(p.mode, p.days, p.test_days) for p in plan.phases] == [
        (Mode.CENTRAL_QUARANTINE, 14, (1, 4, 7, 14)),
        (Mode.HOME_HEALTH_MONITORING, 7, (2, 7)),
    ]
    assert (plan.clock, plan.checks_per_day, plan.certainty) == ("last_exposure", 2, "B")
    assert plan.standing is Standing.IN_FORCE


@pytest.mark.parametrize(
    "category, day, phases",
    [
        (Category.CLOSE, "2020-01-23", [("home_or_central_quarantine", 14, ())]),
        (Category.CLOSE, "2020-03-07", [("central_quarantine", 14, ())]),
        (Category.SECONDARY, "2022-03-01", [("central_quarantine", 7, (1, 4, 7))]),
        (
            Category.CLOSE,
            "2022-06-28",
            [("central_quarantine", 7, (1, 2, 3, 5, 7)), ("home_health_monitoring", 3, (3,))],
        ),
        (Category.SECONDARY, "2022-06-28", [("home_quarantine", 7, (1, 4, 7))]),
        (Category.CLOSE, "2022-11-11", [("central_quarantine", 5, (1, 2, 3, 5)), ("home_quarantine", 3, (1, 3))]),
        (Category.CLOSE, "2022-12-07", [("home_quarantine", 5, (5,))]),
    ],
)
def test_the_plans_of_the_editions(
    category: Category, day: str, phases: list[tuple[str, int, tuple[int, ...]]]
) -> None:
    assert [(p.mode.value, p.days, p.test_days) for p in a_plan(category, day).phases] == phases


@pytest.mark.parametrize(
    "category, day, abolished, standing, reason",
    [
        (Category.CLOSE, "2020-01-16", False, Standing.BLANK, "covid-ed1: text not found"),
        (
            Category.SECONDARY,
            "2020-03-08",
            False,
            Standing.BLANK,
            "covid-ed6 .* says nothing on quarantine of secondary",
        ),
        (Category.SECONDARY, "2020-09-16", False, Standing.BLANK, "covid-ed7: .*days were not found"),
        (Category.SECONDARY, "2022-11-11", True, Standing.IN_FORCE, "20 measures"),
        (Category.SECONDARY, "2022-12-07", True, Standing.IN_FORCE, "covid-20m, left in force by covid-10m"),
        (Category.CLOSE, "2023-01-08", True, Standing.IN_FORCE, "Class B management"),
        (Category.SECONDARY, "2023-01-08", True, Standing.IN_FORCE, "Class B management"),
        (Category.CASUAL, "2022-03-01", False, Standing.BLANK, "says nothing on quarantine of casual"),
    ],
)
def test_where_there_is_no_plan_the_answer_says_why(
    category: Category, day: str, abolished: bool, standing: Standing, reason: str
) -> None:
    plan = policy.quarantine_plan(category, at(day), JIAXING)
    assert isinstance(plan, NoPlan)
    assert (plan.abolished, plan.standing) == (abolished, standing)
    assert re.search(reason, plan.source)


@pytest.mark.parametrize(
    "adopted, standing", [([], Standing.PROVISIONAL), ([an_adoption("contact")], Standing.ADOPTED)]
)
def test_a_provisional_plan_binds_once_adopted(adopted: list[Adoption], standing: Standing) -> None:
    day = at("2020-10-01")
    earlier = [adoption.model_copy(update={"adopted_from": at("2020-09-20")}) for adoption in adopted]
    assert policy.quarantine_plan(Category.CLOSE, day, NANHU, earlier).standing is standing


@pytest.mark.parametrize(
    "day, days, standing",
    [
        ("2020-01-16", None, Standing.BLANK),
        ("2020-01-23", 0, Standing.IN_FORCE),
        ("2020-01-29", 0, Standing.PROVISIONAL),
        ("2020-02-22", 0, Standing.PROVISIONAL),
        ("2020-03-08", 2, Standing.IN_FORCE),
        ("2020-09-16", 2, Standing.PROVISIONAL),
        ("2022-03-01", 2, Standing.PROVISIONAL),
        ("2022-06-29", 2, Standing.IN_FORCE),
        ("2022-12-08", 2, Standing.IN_FORCE),
        ("2023-01-08", None, Standing.IN_FORCE),
    ],
)
def test_the_lookback_of_the_editions(day: str, days: int | None, standing: Standing) -> None:
    found = policy.lookback(at(day), JIAXING)
    assert (found.days_before, found.standing) == (days, standing)


def test_a_lookback_that_was_not_found_is_carried_over_and_says_so() -> None:
    found = policy.lookback(at("2020-02-22"), NANHU)
    assert found.edition == "covid-ed5"
    assert found.certainty is None
    assert "carried over from covid-ed2" in found.source
    adopted = policy.lookback(at("2020-02-22"), NANHU, [an_adoption(policy.LOOKBACK, since="2020-02-21")])
    assert (adopted.days_before, adopted.standing) == (0, Standing.ADOPTED)
    assert "adopted for 3304" in adopted.source


def test_local_rules_are_listed_nearest_first_and_not_applied() -> None:
    assert policy.overlays("331102")[0].division_code == "3311"
    assert {o.division_code for o in policy.overlays("331102")} == {"33", "3311"}
    assert policy.overlays("3408") == ()
    assert [o.plan for o in policy.overlays("310101")] == ["4 d"]
    assert policy.lookback(at("2022-05-05"), "310101").days_before == 2


@pytest.mark.parametrize("day", ["2019-12-01", "2022-03-05", "2023-06-01"])
def test_no_edition_states_for_how_long_identity_is_kept_so_nothing_may_be_made_of_it(day: str) -> None:
    answer = policy.retention(at(day), JIAXING)
    assert (answer.days, answer.standing) == (None, Standing.BLANK) and answer.source


def test_the_measures_ended_with_class_b_and_not_before() -> None:
    assert policy.measures_ended_at(at("2019-12-01")) is policy.measures_ended_at(at("2023-01-07")) is None
    assert policy.measures_ended_at(at("2023-06-01")) == at("2023-01-08 00:00")


def test_an_adoption_by_a_functional_area_binds_in_what_it_takes() -> None:
    own = {"division_code": "3304J1", "hours": 8}
    adopted = an_adoption("land.lead.list", since="2022-01-01").model_copy(update=own)
    for code, hours in (("330402012001", 8), ("3304J1", 8), ("330402001", None)):
        assert policy.deadline("land.lead.list", at("2022-03-05"), code, [adopted]).hours == hours


def test_hours_of_its_own_adopt_no_value_that_a_plan_states_otherwise() -> None:
    other = an_adoption("investigate.case", since="2021-01-01").model_copy(update={"hours": 8})
    above = an_adoption("investigate.case", since="2021-01-01").model_copy(update={"division_code": JIAXING[:2]})
    for adoptions, standing in (([other], Standing.PROVISIONAL), ([other, above], Standing.ADOPTED)):
        found = policy.deadline("investigate.case", at("2021-07-01"), JIAXING, adoptions)
        assert (found.hours, found.standing) == (24, standing)


@pytest.mark.parametrize(
    ("day", "state", "expected"),
    [
        ("2020-01-24", "asymptomatic", False), ("2020-01-29", "asymptomatic", True), ("2022-03-05", "suspected", True),
        ("2022-03-05", "excluded", False), ("2022-03-05", "preliminary_positive", True),
    ],
)  # fmt: skip
def test_a_clock_starts_for_the_states_of_a_case_that_the_edition_names(day: str, state: str, expected: bool) -> None:
    assert policy.starts("report.case.direct", at(day), state) is expected
