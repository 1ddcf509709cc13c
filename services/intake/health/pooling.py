"""Pooled tubes out of what laboratories say, whatever the form of the message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.intake.health.items import Item
from services.intake.health.moments import Exact
from services.intake.health.people import Patient
from services.intake.health.saying import Common, Given, Measured, put_time, test_of
from services.intake.problems import Problem


def people_of(
    common: Common, source_id: str, tube: str, people: Iterable[Patient], sampled: Given | None, place: str
) -> Item:
    """Some of a tube's people, or all: every record that names them bears the tube's number."""
    members = [{**each.someone, "division_code": each.division_code} for each in people]
    record = {**common.record("tube", source_id, common.source.division_code), "tube_id": tube, "members": members}
    problems = list[Problem]()
    put_time(record, "sampled_at", sampled, Exact.DAY, problems)
    return Item(place, record, tuple(problems), {"sampled_at": sampled.place} if sampled else {})


def result_of(
    common: Common,
    source_id: str,
    tube: str,
    report: Sequence[Measured],
    times: tuple[Given | None, Given | None],
    place: str,
) -> Item:
    """A tube's result. times: when it was sampled, when its result was out."""
    nobody = Patient({}, None, common.source.division_code, {})
    single = test_of(common, source_id, nobody, report, *times, place)
    of_result = {field: each for field, each in single.record.items() if field not in ("sampled_at", "ct_value")}
    problems = tuple(each for each in single.problems if each.field not in ("person", "sampled_at"))
    return Item(place, {**of_result, "kind": "tube-result", "tube_id": tube}, problems, single.places)
