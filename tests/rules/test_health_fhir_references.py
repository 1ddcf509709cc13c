"""References in bundles that hold the resources of several servers, or several versions of one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.fhir_messages import observation, patient
from tests.rules.test_health_fhir import records

A, B = "http://a.example.org/fhir", "http://b.example.org/fhir"


def of_servers(*entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A bundle of resources with the servers that they are from, "" for none."""
    told = [
        {"resource": each, **({"fullUrl": f"{server}/{each['resourceType']}/{each['id']}"} if server else {})}
        for server, each in entries
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": told}


def named(content: dict[str, Any]) -> list[str | None]:
    """Whose data each result has; None: only the reference."""
    return [each.get("person", {}).get("name") for each in records(content)]


def person(n: int) -> dict[str, Any]:
    """Everybody is p1 of some server."""
    return {**patient(n), "id": "p1"}


def result(n: int, reference: str = "Patient/p1") -> dict[str, Any]:
    return observation(n, subject={"reference": reference})


def test_a_relative_reference_means_what_is_on_its_own_server() -> None:
    content = of_servers((A, person(1)), (B, person(2)), (A, result(1)), (B, result(2)))
    assert named(content) == ["王某1", "王某2"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"{B}/Patient/p1", "王某2"),
        (f"{B}/Patient/p1/_history/3", "王某2"),
        ("Patient/p1/_history/3", "王某1"),
        ("http://c.example.org/fhir/Patient/p1", None),
    ],
)
def test_an_absolute_reference_means_that_server_alone(reference: str, expected: str | None) -> None:
    assert named(of_servers((A, person(1)), (B, person(2)), (A, result(1, reference)))) == [expected]


def test_a_type_and_an_id_do_where_they_are_of_one_alone() -> None:
    assert named(of_servers(("", person(1)), (A, result(1)))) == ["王某1"]
    assert named(of_servers(("", person(1)), (A, result(1, f"{B}/Patient/p1")))) == ["王某1"]
    assert named(of_servers((A, person(1)), ("", result(1)))) == ["王某1"]
    assert named(of_servers((A, person(1)), (B, person(2)), ("", result(1)))) == [None]
    twice = {**person(1), "name": [{"text": "汪某1"}]}
    assert named(of_servers(("", person(1)), ("", twice), ("", result(1)))) == ["汪某1"]
