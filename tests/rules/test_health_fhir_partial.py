"""A report that is partial (R4: "data in the report may be incomplete or unverified"): what of it is a result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.fhir_messages import DETECTED, bundle, patient, report
from tests.rules.test_health_fhir import records, taken_back, unused
from tests.rules.test_health_fhir_told import gene


def partial(*genes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return bundle(patient(), report(*(f"Observation/{each['id']}" for each in genes), status="partial", **more), *genes)


def registered(n: int) -> dict[str, Any]:
    """A gene that is asked for and has no value yet."""
    return {key: each for key, each in gene(n, status="registered").items() if key != "valueCodeableConcept"}


@pytest.mark.parametrize("status", ["final", "preliminary"])
def test_an_observation_that_is_out_is_a_result_and_one_that_is_asked_for_is_not_yet(status: str) -> None:
    [told] = records(partial(gene(1, status=status), registered(2)))
    assert (told["source_id"], told["result"]) == ("DiagnosticReport/r1", "positive")
    [both] = records(partial(gene(1), gene(2, status="preliminary", valueCodeableConcept={"text": "阴性"})))
    assert both["result"] == "inconclusive"


def test_nothing_is_recorded_or_withdrawn_while_all_is_only_asked_for() -> None:
    content = partial(registered(1), registered(2))
    assert (records(content), unused(content)) == ([], ["not_final", "told_by_report", "told_by_report"])
    [gone] = records(partial(gene(1, status="entered-in-error"), registered(2)))
    assert (gone["source_id"], gone["withdrawn"]) == ("DiagnosticReport/r1", True)


def test_a_conclusion_without_observations_is_taken_as_a_preliminary_one_is() -> None:
    for status in ("partial", "preliminary"):
        assert records(report(status=status, conclusionCode=[DETECTED]))[0]["result"] == "positive"
    assert unused(report(status="registered", conclusionCode=[DETECTED])) == ["not_final"]


def test_a_report_of_which_one_observation_is_left_is_no_test_beside_it() -> None:
    whole = bundle(patient(), report("Observation/o1"), gene(1))
    assert [each["source_id"] for each in records(whole)] == ["Observation/o1"]
    assert taken_back(whole) == ["DiagnosticReport/r1"]
