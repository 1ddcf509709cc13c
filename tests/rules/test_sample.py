"""The sample outbreak: reproducible, as large as it says, well formed, and with a truth that no race can change."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.divisions import Divisions
from contracts.policy import Plan, Span, phase_spans, quarantine_plan, test_dates
from deploy.sample.counts import GRIDS, SMALLEST_SCALE, counts_at
from deploy.sample.duty import SECOND_ROUND
from deploy.sample.generate import generate
from deploy.sample.leads import COURSES, COURSES_OF_TIPS, When
from deploy.sample.people import NOWHERE, with_check_digit
from deploy.sample.places import load_places
from deploy.sample.steps import STEPS, march
from deploy.sample.timeline import read_timeline
from services.intake.records import KINDS, Withdrawal

test_dates.__test__ = False  # type: ignore[attr-defined]

SCALE, CITY, PROVINCE = 0.01, "3304", "33"
PLANNED = {"from_at", "until_at", "adopted_from", "valid_from_at", "back_at"}
"""Instants that a record may set in the future."""


@dataclass(frozen=True)
class Sample:
    folder: Path
    truth: dict[str, Any]

    def lines(self) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Every record with the instant at which it is sent."""
        for step in read_timeline(self.folder):
            for feed in step.feeds:
                for line in feed.read_text(encoding="utf-8").splitlines():
                    yield step.at, json.loads(line)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    return Sample(folder, generate(folder, SCALE, seed=7, in_forms=False))


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.*")):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def test_the_same_seed_writes_the_same_bytes_whatever_the_process(tmp_path: Path) -> None:
    for name, hashing, seed in (("a", "1", "3"), ("b", "2", "3"), ("c", "1", "4")):
        command = [sys.executable, "-m", "deploy.sample", str(tmp_path / name)]
        options = ["--scale", str(SMALLEST_SCALE), "--seed", seed]
        subprocess.run([*command, *options], check=True, capture_output=True, env={"PYTHONHASHSEED": hashing})
    a, b, c = (digest_of(tmp_path / name) for name in "abc")
    assert a == b
    assert a != c


def test_the_totals_are_those_of_jiaxing_at_the_scale(sample: Sample) -> None:
    counts, city = counts_at(SCALE), sample.truth["figures"][CITY]
    assert (city["close-contacts"], city["secondary-contacts"]) == (98, 223)
    assert (city["casual-contacts"], city["cases-confirmed"]) == (counts.casual, counts.confirmed)
    again = {record["dwelling"]["ref"] for _, record in sample.lines() if _is_second_round(record)}
    assert city["households-canvassed"] == counts.households + len(again)
    assert city["awaiting-order"] == counts.never_ordered
    assert city["awaiting-transfer"] == counts.never_transferred
    assert city["visits-missed"] == counts.missed_visits + 2 * counts.missed_twice
    late = sum(any(act.when is When.LATE for act in course.acts) for course in COURSES)
    assert city["deadlines-late"] == counts.late_transfers + 1 + late * 2 * counts.leads
    assert city["deadlines-missed"] == counts.never_transferred + 1 + 2 * counts.leads
    assert city["deadlines-running"] == 2 * counts.leads + 1
    assert city["deadlines-unlimited"] == len(COURSES_OF_TIPS) * counts.leads
    assert city["leads-open"] == city["deadlines-running"] + 3 * counts.leads
    seconds = -(-counts.vaccinated // 2)
    assert (city["persons-vaccinated"], city["doses-given"]) == (counts.vaccinated, counts.vaccinated + seconds)
    assert (city["needs-asked"], city["needs-met"]) == (counts.needs, counts.needs - counts.needs // 3)


def _is_second_round(record: dict[str, Any]) -> bool:
    return record["kind"] == "household-visit" and record.get("round_id") == SECOND_ROUND


def test_every_course_of_a_lead_comes_from_lists_and_letters_and_the_taken_back_count_nowhere(sample: Sample) -> None:
    counts, city = counts_at(SCALE), sample.truth["figures"][CITY]
    leads = [record for _, record in sample.lines() if record["kind"] == "lead" and not record.get("withdrawn")]
    sources = Counter(record["source"] for record in leads)
    each, tips = len(COURSES) * counts.leads, len(COURSES_OF_TIPS) * counts.leads
    assert sources == {"list": each + 1, "letter": each, "tip": tips}
    assert city["leads-received"] == 2 * each + 1 + tips - 2 * counts.leads
    assert len({record["person"]["id_number"] for record in leads}) == len(leads)
    levels = {len(record["division_code"]) for record in leads}
    passed = {len(record["to_division_code"]) for _, record in sample.lines() if record["kind"] == "lead-passed-on"}
    assert (levels, passed) == ({6, 9, 12, 15}, {9, 12, 15})


def test_at_one_tenth_there_are_985_close_contacts_and_2230_secondary_ones() -> None:
    assert (counts_at(0.1).close, counts_at(0.1).secondary, counts_at(0.1).confirmed) == (985, 2230, 7)


def test_a_case_is_found_in_each_of_the_four_ways(sample: Sample) -> None:
    city = sample.truth["figures"][CITY]
    ways = {name: city[f"cases-confirmed.{name}"] for name in ("canvassing", "mass_testing", "fever_clinic")}
    assert all(ways.values())
    assert city["cases-confirmed.under_control"] == city["cases-confirmed"] - sum(ways.values())
    assert city["isolated"] == city["cases-confirmed"] + city["cases-asymptomatic"]


def test_it_stays_below_150_000_records_at_one_tenth(sample: Sample) -> None:
    assert sample.truth["records"] == sum(1 for _ in sample.lines())
    assert sample.truth["records"] * 0.1 / SCALE < 150_000


def test_the_door_can_read_every_accepted_record(sample: Sample) -> None:
    accepted = Counter[str]()
    for _, record in sample.lines():
        if well_formed(record):
            accepted[record["feed"]] += 1
    for feed, its in sample.truth["ledger"].items():
        assert accepted[feed] >= its["accepted"] + its["duplicate"], feed
    assert sum(accepted.values()) < sample.truth["records"]


def well_formed(record: dict[str, Any]) -> bool:
    model = Withdrawal if record.get("withdrawn") else KINDS.get(record["kind"])
    try:
        return model is not None and bool(model.model_validate_json(json.dumps(record)))
    except ValidationError:
        return False


def test_the_ledger_balances_and_its_duplicates_are_word_for_word(sample: Sample) -> None:
    received, seen, repeated = Counter[str](), set[str](), Counter[str]()
    for _, record in sample.lines():
        received[record["feed"]] += 1
        text = json.dumps(record, sort_keys=True)
        repeated[record["feed"]] += text in seen
        seen.add(text)
    for feed, its in sample.truth["ledger"].items():
        assert its["received"] == its["accepted"] + its["duplicate"] + its["rejected"] == received[feed]
        assert its["duplicate"] == repeated[feed]
    assert received.keys() == sample.truth["ledger"].keys()


def test_other_content_under_a_known_revision_is_what_the_door_must_refuse(sample: Sample) -> None:
    held, texts, silent = dict[tuple[str, str], int](), set[str](), 0
    for _, record in sample.lines():
        key, text = (record["feed"], record.get("source_id", "")), json.dumps(record, sort_keys=True)
        if key[1] and text not in texts and well_formed(record):
            silent += held.get(key, 0) >= record.get("revision", 1)
            held[key] = max(held.get(key, 0), record.get("revision", 1))
            texts.add(text)
    assert silent == sample.truth["planted"]["bad_rows"]


def test_nothing_has_happened_after_the_step_at_which_it_is_sent(sample: Sample) -> None:
    wrong = [(at, record) for at, record in sample.lines() if well_formed(record) and latest_in(record) > at]
    assert not wrong


def latest_in(part: Any) -> datetime:
    """The latest instant in a record, without those that are planned."""
    latest = STEPS[0] - timedelta(days=365)
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in items:
        if isinstance(value, dict | list):
            latest = max(latest, latest_in(value))
        elif str(name).endswith("_at") and name not in PLANNED:
            latest = max(latest, datetime.fromisoformat(value))
    return latest


def test_each_division_is_the_sum_of_those_below_and_of_its_own(sample: Sample) -> None:
    figures = sample.truth["figures"]
    posts = Counter(post_division(message["post_id"]) for message in sample.truth["messages"])
    for indicator, value in figures[CITY].items():
        own = posts[CITY] if indicator == "messages-sent" else 0
        assert value == own + sum(its[indicator] for code, its in figures.items() if len(code) == 6), indicator
    for indicator, value in figures[PROVINCE].items():
        own = posts[PROVINCE] if indicator == "messages-sent" else 0
        assert value == own + figures[CITY][indicator], indicator


def post_division(post: str) -> str:
    return post.removeprefix("command-").removeprefix("health-")


def test_the_end_states_add_up_to_the_figures(sample: Sample) -> None:
    states, city = list(sample.truth["end_states"].values()), sample.truth["figures"][CITY]
    assert sum(state["category"] == "close" for state in states) == city["close-contacts"]
    assert sum(state["classification"] == "confirmed" for state in states) == city["cases-confirmed"]
    assert sum(state["care"] == "released" for state in states) == city["released"]
    assert {state["classification"] for state in states} >= {"confirmed", "asymptomatic", "excluded", None}


def test_numbers_have_a_right_check_digit_and_a_division_that_exists_nowhere(sample: Sample) -> None:
    numbers = list(sample.truth["end_states"])
    assert all(with_check_digit(number[:17]) == number and number.startswith(NOWHERE) for number in numbers)
    assert with_check_digit("11010519491231002") == "11010519491231002X"
    assert not Divisions.load().knows(NOWHERE)


def test_every_village_has_a_grid_and_the_divisions_take_them_all(sample: Sample) -> None:
    with (sample.folder / "grids.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    divisions = Divisions.load().with_grids(rows)
    villages = {row["code"][:12] for row in rows}
    assert len(rows) == GRIDS
    assert villages == set(load_places(GRIDS).villages)
    assert all(divisions.knows(row["code"]) for row in rows)


def test_the_steps_go_forward_and_send_every_file_once(sample: Sample) -> None:
    steps = read_timeline(sample.folder)
    files = [feed for step in steps for feed in step.feeds]
    assert [step.at for step in steps] == sorted({step.at for step in steps})
    assert 60 <= len(steps) <= 100
    assert sorted(files) == sorted((sample.folder / "feeds").iterdir())


def test_orders_hold_the_days_and_tests_of_the_plan(sample: Sample) -> None:
    """The sample reckons by itself; here the policy data looks over its shoulder."""
    orders = [record for _, record in sample.lines() if record["kind"] == "quarantine-order"]
    plans = {len(plan.phases): plan for plan in (plan_of("close"), plan_of("secondary"))}
    assert {len(order["measures"]) for order in orders} == plans.keys()
    for order in orders:
        measures, plan = order["measures"], plans[len(order["measures"])]
        last_day = datetime.fromisoformat(measures[0]["until_at"]) - timedelta(days=plan.phases[0].days, hours=1)
        for measure, span in zip(measures, phase_spans(plan, last_day), strict=True):
            begin = datetime.fromisoformat(measure["from_at"])
            assert measure["until_at"] == span.until_at.isoformat()
            laid = Span(mode=span.mode, from_at=begin, until_at=span.until_at, test_days=span.test_days)
            assert measure["test_dates"] == [f"{day}" for day in test_dates(laid, begin)]


def plan_of(category: Any) -> Plan:
    plan = quarantine_plan(category, march(5, "12:00"), "330421")
    assert isinstance(plan, Plan)
    return plan


@pytest.mark.parametrize("scale", [0, SMALLEST_SCALE / 2, 1.5])
def test_a_scale_that_does_not_work_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="choose one from"):
        counts_at(scale)
