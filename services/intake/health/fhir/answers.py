"""OperationOutcome: what became of each entry, in words; and the bundle that holds one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.intake.health.fhir.resources import BUNDLES, CHECKED, READ_FOR_OTHERS, Entry
from services.intake.health.items import Answered, Told, Unused
from services.intake.problems import Language, Problem
from services.intake.verdicts import ACCEPTED, DUPLICATE, REJECTED

MEDIA_TYPE = "application/fhir+json"
_TYPES = {
    "missing": "required",
    "unknown_field": "structure",
    "not_json": "structure",
    "not_fhir": "structure",
    "not_object": "structure",
    "not_list": "structure",
    "unknown_result": "code-invalid",
    "not_one_of": "code-invalid",
    "stale_revision": "conflict",
    "two_people": "conflict",
    "not_alone": "processing",
    "adapter_failed": "exception",
    "not_your_feed": "forbidden",
    "not_your_kind": "forbidden",
    "beyond_jurisdiction": "forbidden",
    "too_many": "too-costly",
    "bundle_type": "not-supported",
}
"""Our code -> http://hl7.org/fhir/issue-type; what is not here is `value`."""
_WORDS: Mapping[str, Mapping[Language, str]] = {
    ACCEPTED: {"en": "accepted", "zh": "已接收"},
    DUPLICATE: {"en": "known already, nothing to do", "zh": "已有此记录，无需处理"},
}


class Outcome(NamedTuple):
    """What became of one entry. status: of HTTP."""

    status: str
    outcome: dict[str, Any]


def outcome_of(told: Told, language: Language) -> Outcome:
    """Of what an entry says; each record an issue."""
    words = {each.verdict.word for each in told if isinstance(each, Answered)}
    issues = [issue for each in told for issue in _issues(each, language)]
    return Outcome(_status(words, told), _outcome(issues))


def refusal_of(problems: Sequence[Problem], language: Language, status: str = "422 Unprocessable Entity") -> Outcome:
    """Of what could not be read."""
    return Outcome(status, _outcome([_issue("error", each.field, each, language) for each in problems]))


def response_of(kind: str, entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A response for each entry of a batch or a transaction; of other bundles all issues in one outcome."""
    if kind in ("batch", "transaction"):
        answers = [{"response": {"status": each.status, "outcome": each.outcome}} for each in outcomes]
        return {"resourceType": "Bundle", "type": f"{kind}-response", "entry": answers}
    issues = [issue for each in outcomes for issue in each.outcome["issue"]]
    nothing = {"severity": "information", "code": "informational", "details": {"text": "the bundle is empty"}}
    return _outcome(issues or [nothing])


def capabilities(now: str) -> dict[str, Any]:
    """GET /fhir/metadata: what is taken here."""
    taken = [
        {"type": name, "interaction": [{"code": "create"}, {"code": "update"}], "updateCreate": True}
        for name in CHECKED
        if name not in READ_FOR_OTHERS
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": now,
        "kind": "instance",
        "software": {"name": "Gridward intake"},
        "implementation": {"description": "The door of Gridward: facts in, an OperationOutcome for each"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "documentation": f"POST a Bundle ({', '.join(BUNDLES)}) or a resource; rest-hooks PUT or POST them",
                "resource": taken,
                "interaction": [{"code": "batch"}, {"code": "transaction"}],
            }
        ],
    }


def _status(words: set[str], told: Told) -> str:
    if REJECTED in words:
        problems = [each for one in told if isinstance(one, Answered) for each in one.verdict.problems]
        stale = any(problem.code == "stale_revision" for problem in problems)
        return "409 Conflict" if stale else "422 Unprocessable Entity"
    return "201 Created" if ACCEPTED in words else "200 OK"


def _issues(each: Answered | Unused, language: Language) -> list[dict[str, Any]]:
    if isinstance(each, Unused):
        return [_issue("information", each.place, each.why, language, "informational")]
    if each.verdict.word == REJECTED:
        item = each.item
        return [_issue("error", item.place_of(one.field), one, language) for one in each.verdict.problems]
    code = "duplicate" if each.verdict.word == DUPLICATE else "informational"
    text = _WORDS[each.verdict.word][language]
    return [{"severity": "information", "code": code, "details": {"text": text}, "expression": [each.item.place]}]


def _issue(severity: str, place: str, problem: Problem, language: Language, code: str = "") -> dict[str, Any]:
    told = problem.told(language)
    issue = {
        "severity": severity,
        "code": code or _TYPES.get(problem.code, "value"),
        "details": {"text": f"{told['why']} -> {told['would_be_right']}"},
    }
    return {**issue, "expression": [place]} if place else issue


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}
