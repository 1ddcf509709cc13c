"""Resources of FHIR R4 as JSON: checked by the models of fhir.resources at this edge, then read as they are.

R4B differs from R4 in none of the types used here. A model costs some 0.2 ms a resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.group import Group
from fhir.resources.R4B.immunization import Immunization
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.specimen import Specimen
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from services.intake.health.codes import Coded
from services.intake.health.moments import Moment, read_moment
from services.intake.health.saying import Common, Given
from services.intake.health.sources import Source
from services.intake.problems import Problem, Refused, field_name

Resource: TypeAlias = Mapping[str, Any]

CHECKED: Mapping[str, type[BaseModel]] = {
    "Patient": Patient,
    "Observation": Observation,
    "Condition": Condition,
    "DiagnosticReport": DiagnosticReport,
    "Encounter": Encounter,
    "Immunization": Immunization,
    "Specimen": Specimen,
    "Group": Group,
}
READ_FOR_OTHERS = ("Specimen", "Group")
"""Of these nothing is recorded by itself: they say whose and what a result is."""
BUNDLES = ("batch", "transaction", "message", "collection", "document")
MOST_ENTRIES = 5_000
_CODES = {
    "model_field_validation.missing": "missing",
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "string_type": "not_text",
    "list_type": "not_list",
    "model_validation_format": "not_object",
}
_ERROR = "entered-in-error"
_IN_ERROR: Mapping[str, Resource] = {
    "Condition": {"verificationStatus": {"coding": [{"code": _ERROR}]}},
    **{name: {"status": _ERROR} for name in ("Observation", "DiagnosticReport", "Encounter", "Immunization")},
}
_URL = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,40})/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]*)?$")
_COUNT = re.compile(r"0*[1-9][0-9]{0,14}", re.ASCII)
_EXERCISE = "HTEST"  # v3 ActReason: test data in a live system


class Entry(NamedTuple):
    """place: `Bundle.entry[0].resource`, or the resource's type. resource: as it came; problems: why it is not read.

    is_deleted: its server has deleted it; the resource is then as one entered in error.
    """

    place: str
    resource: Any
    problems: tuple[Problem, ...] = ()
    is_deleted: bool = False

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])


def entries_of(body: bytes) -> tuple[str, list[Entry]]:
    """The bundle's type, or "" for a single resource, and what it holds, each checked. Raises Refused."""
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Refused(Problem("", "not_json")) from None
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise Refused(Problem("resourceType", "not_fhir"))
    if content["resourceType"] != "Bundle":
        return "", [_checked(content["resourceType"][:40], content)]
    if content.get("type") not in BUNDLES:
        raise Refused(Problem("Bundle.type", "bundle_type", {"expected": ", ".join(BUNDLES)}))
    entries = content.get("entry", [])
    if not isinstance(entries, list):
        raise Refused(Problem("Bundle.entry", "no_such_entry"))
    if len(entries) > MOST_ENTRIES:
        raise Refused(Problem("Bundle.entry", "too_many", {"max_length": MOST_ENTRIES}))
    return content["type"], [_entry(f"Bundle.entry[{n}].resource", each) for n, each in enumerate(entries)]


def _entry(place: str, entry: object) -> Entry:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if isinstance(entry, dict) and resource is None and (named := _named_by_url(entry)):
        return Entry(place, {**named, **_IN_ERROR.get(named["resourceType"], {})}, is_deleted=True)
    if (
        not isinstance(entry, dict)
        or not isinstance(resource, dict)
        or not isinstance(resource.get("resourceType"), str)
    ):
        return Entry(place, entry, (Problem(place, "no_such_entry"),))
    checked = _checked(place, resource)
    if checked.problems:
        return checked
    url, request = entry.get("fullUrl"), entry.get("request")
    named = {**resource, "fullUrl": url} if isinstance(url, str) else resource
    if isinstance(request, dict) and request.get("method") == "DELETE":
        return Entry(place, {**named, **_IN_ERROR.get(resource["resourceType"], {})}, is_deleted=True)
    return Entry(place, named)


def _named_by_url(entry: dict[str, Any]) -> Resource | None:
    """What is deleted need not come along: it is the one that the request names."""
    request = entry.get("request")
    if not isinstance(request, dict) or request.get("method") != "DELETE":
        return None
    named = _URL.search(request["url"]) if isinstance(request.get("url"), str) else None
    return {"resourceType": named[1], "id": named[2]} if named else None


def _checked(place: str, resource: dict[str, Any]) -> Entry:
    # A rejected resource that comes back mended may still have the reason beside it.
    resource.pop("rejected_because", None)
    model = CHECKED.get(resource["resourceType"])
    try:
        if model is not None:
            model.model_validate(resource)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[:20]
        return Entry(place, resource, tuple(_problem(place, each["loc"], each["type"]) for each in wrong))
    except (KeyError, TypeError, RecursionError):  # the library's own, for what is contained and is no resource
        return Entry(place, resource, (Problem(place, "wrong"),))
    return Entry(place, resource)


def _problem(place: str, location: tuple[int | str, ...], kind: str) -> Problem:
    code = "health_time_form" if kind.startswith(("date", "time")) else _CODES.get(kind, "wrong")
    return Problem(f"{place}.{field_name(location)}".rstrip("."), code)


def listed(resource: Resource, name: str) -> list[Any]:
    """The elements of a list that may be missing or null."""
    return [each for each in resource.get(name) or () if each is not None]


def concept(value: Resource | None) -> Iterator[Coded]:
    """A CodeableConcept: its codings, then its text."""
    if value:
        for coding in listed(value, "coding"):
            yield Coded(coding.get("system") or "", coding.get("code") or "", coding.get("display") or "")
        yield Coded("", "", value.get("text") or "")


def name_of(resource: Resource) -> str | None:
    """Its own id, else the first number by which its sender knows it."""
    own: str | None = resource.get("id")
    return own or next((each.get("value") for each in listed(resource, "identifier")), None)


def code_in(value: Resource | None) -> str:
    """The code of the first coding."""
    return next((coded.code for coded in concept(value) if coded.code), "")


def time_of(resource: Resource, place: str, source: Source, *names: str) -> Iterator[Given]:
    """Times by their names; `effectivePeriod.start` is the start in a period."""
    for name in names:
        outer, _, inner = name.partition(".")
        value = resource.get(outer)
        text = (value or {}).get(inner) if inner and isinstance(value, dict) else value
        if isinstance(text, str):
            yield Given(text, read_moment(text, source.tz), f"{place}.{name}")


def common_of(resource: Resource, source: Source) -> Common:
    """What its records carry: when or which version it is, and whether it is an exercise."""
    meta = resource.get("meta") or {}
    drill = any(tag.get("code") == _EXERCISE for tag in (*listed(meta, "tag"), *listed(meta, "security")))
    return Common(source, *revised(resource, source), drill)


def revised(resource: Resource, source: Source) -> tuple[Moment | None, int | None]:
    """When this version was made; else which one it is; else when what it says was known. It may be unchecked."""
    meta = resource.get("meta")
    told = meta if isinstance(meta, dict) else {}
    updated: Moment | None = read_moment(told.get("lastUpdated"), source.tz)
    version = str(told.get("versionId") or "")
    if updated is None and _COUNT.fullmatch(version):
        return None, int(version)
    said_at = ("issued", "recordedDate", "recorded", "effectiveDateTime", "effectiveInstant")
    began_at = ("onsetDateTime", "occurrenceDateTime", "period.start")
    known = (given.moment for given in time_of(resource, "", source, *said_at, *began_at))
    return updated or next((moment for moment in known if moment), None), None
