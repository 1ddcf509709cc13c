"""Pooled tubes out of what laboratories say, whatever the form of the message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.intake.health.items import Item
from services.intake.health.people import Patient
from services.intake.health.saying import Common, Given, Measured, test_of


def tube_of(
    common: Common,
    source_id: str,
    tube: str,
    people: Iterable[Patient],
    report: Sequence[Measured],
    times: tuple[Given | None, Given | None],
    place: str,
) -> Iterator[Item]:
    """The tube's people, where they are named, and its result. times: when it was sampled, when its result was out."""
    nobody = Patient({}, None, common.source.division_code, {})
    single = test_of(common, source_id, nobody, report, *times, place)
    patients = {_key(each): each for each in people if each.is_named}
    if patients:
        members = [{**each.someone, "division_code": each.division_code} for each in patients.values()]
        filled = {
            **common.record("tube", f"{source_id}/people", common.source.division_code),
            "tube_id": tube,
            "members": members,
            **({"sampled_at": single.record["sampled_at"]} if "sampled_at" in single.record else {}),
        }
        of_sampling = tuple(each for each in single.problems if each.field == "sampled_at")
        yield Item(place, filled, of_sampling, single.places)
    of_result = {field: each for field, each in single.record.items() if field not in ("sampled_at", "ct_value")}
    problems = tuple(each for each in single.problems if each.field not in ("person", "sampled_at"))
    yield Item(place, {**of_result, "kind": "tube-result", "tube_id": tube}, problems, single.places)


def _key(patient: Patient) -> str:
    return patient.person.get("id_number") or patient.person_ref or ""
