"""Every value that ships is one that the research found reliable (A, B or C): nothing unsure slipped in."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from contracts import policy
from contracts.policy import Edition
from contracts.policy.editions import PlanRule, Stated

RESEARCH = Path(__file__).parents[2].parent / "shared" / "data" / "policy-editions.json"
SHIPPED = {"A", "B", "C"}
KINDS = ("contact", "secondary_contact")

compared = pytest.mark.skipif(not RESEARCH.exists(), reason="the research file lies beside the project, not in it")
each_edition = pytest.mark.parametrize("edition", policy.editions(), ids=lambda edition: edition.id)


@cache
def research() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESEARCH.read_text(encoding="utf-8"))
    return found


def researched(edition: Edition) -> dict[str, Any]:
    return next(found for found in research()["editions"] if found["id"] == edition.id)


def durations(edition: Edition, *keys: str) -> dict[str, dict[str, Any]]:
    return {found["key"]: found for found in researched(edition)["durations"] if found["key"] in keys}


def reliable(found: dict[str, Any]) -> str | None:
    """Its certainty where that may ship."""
    return found["certainty"] if found["certainty"] in SHIPPED else None


@compared
def test_the_same_editions_ship() -> None:
    assert [edition.id for edition in policy.editions()] == [found["id"] for found in research()["editions"]]


@compared
@each_edition
def test_names_numbers_and_dates_are_those_researched(edition: Edition) -> None:
    found, ours = researched(edition), edition.model_dump(mode="json")
    for field in ("doc_no", "effective_from", "effective_to", "date_certainty"):
        assert ours[field] == found[field], field
    assert edition.amends == found.get("amends")
    assert edition.name_zh.endswith(found["name_zh"].removeprefix("…"))
    assert (edition.doc_no is None) == (edition.doc_no_certainty is None)


@compared
@each_edition
def test_every_deadline_is_the_one_researched_or_a_blank(edition: Edition) -> None:
    of_plans = [rule for rule in edition.deadlines if not rule.key.startswith("land.lead.")]
    assert [(rule.key, rule.clock_start, rule.hours, rule.certainty) for rule in of_plans] == [
        (found["key"], found["clock_start"], found["hours"] if reliable(found) else None, reliable(found))
        for found in researched(edition)["deadlines"]
    ]
    assert not any(rule.known for rule in edition.deadlines if rule not in of_plans)


@compared
@each_edition
def test_every_plan_is_the_one_researched_or_a_blank(edition: Edition) -> None:
    found, ours = durations(edition, *KINDS), {rule.key: rule for rule in edition.plans}
    assert found.keys() <= ours.keys()
    for key, rule in ours.items():
        if key in found:
            same_plan(rule, found[key])
        else:
            assert rule.phases is None
            assert not rule.known or (rule.abolished and ours["contact"].abolished)


def same_plan(rule: PlanRule, found: dict[str, Any]) -> None:
    phases = found["plan"] if reliable(found) else None
    assert rule.certainty == reliable(found)
    assert rule.abolished == found.get("abolished", False)
    assert [(p.mode, p.days, p.test_days) for p in rule.phases or ()] == [
        (p["mode"], p["days"], tuple(p.get("test_days", ()))) for p in phases or ()
    ]
    if rule.phases is None:
        return
    assert rule.clock == found.get("clock", "last_exposure")
    assert rule.checks_per_day == found.get("temperature_per_day", checks_in_every_tier())
    assert rule.release == found.get("release")


def checks_in_every_tier() -> int:
    (per_day,) = {tier["per_day"] for tier in research()["monitoring_tiers"]}
    return int(per_day)


@compared
@each_edition
def test_every_lookback_is_the_one_researched_or_a_blank(edition: Edition) -> None:
    found, ours = durations(edition, policy.LOOKBACK).get(policy.LOOKBACK), edition.lookback
    if found is None:
        assert ours is None or ours.days_before is None
        assert ours is not None or edition.amends is not None
        return
    assert ours is not None
    assert ours.certainty == reliable(found)
    assert ours.days_before == (found["days_before_onset"] if reliable(found) else None)
    assert found.get("days_before_sampling", found["days_before_onset"]) == found["days_before_onset"]


@compared
@each_edition
def test_every_cluster_definition_is_the_one_researched(edition: Edition) -> None:
    found = researched(edition)["cluster"]
    assert (edition.cluster is None) == (found is None)
    if edition.cluster is not None:
        ours = edition.cluster.model_dump(mode="json", exclude_defaults=True)
        assert {**ours, "source": found["source"]} == found
        assert edition.cluster.known


@compared
def test_local_rules_are_those_researched() -> None:
    found = research()["local_overlays"]
    ours = {
        (overlay.rule, overlay.plan): overlay for local in found for overlay in policy.overlays(local["jurisdiction"])
    }
    assert len(ours) == len(found)
    for local in found:
        overlay = ours[local["rule"], local["plan"]]
        assert overlay.division_code.ljust(6, "0") == local["jurisdiction"]
        assert (overlay.valid, overlay.certainty) == (local["valid"], local["certainty"])


@each_edition
def test_a_value_has_a_source_and_a_blank_a_note_and_no_value(edition: Edition) -> None:
    values: list[tuple[Stated, object]] = [(rule, rule.hours) for rule in edition.deadlines]
    values += [(rule, rule.phases or (rule.abolished or None)) for rule in edition.plans]
    if edition.lookback is not None:
        days = edition.lookback.days_before
        values.append((edition.lookback, edition.lookback.abolished or None if days is None else days))
    for rule, value in values:
        assert rule.known == (value is not None)
        assert rule.source if rule.known else rule.note
