"""Resources as hospitals' FHIR servers send them; nobody in them is real."""

from __future__ import annotations

import json
from typing import Any

from tests.rules.hl7_messages import VILLAGE, a_number

META = {"versionId": "1", "lastUpdated": "2022-03-05T18:30:00+08:00"}
DETECTED = {"coding": [{"system": "http://snomed.info/sct", "code": "260373001"}]}
COVID = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "U07.1"}]}
NOT_DETECTED = {"coding": [{"system": "http://snomed.info/sct", "code": "260415000"}]}


def loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def patient(n: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{n}",
        "meta": META,
        "identifier": [
            {"system": "urn:oid:2.16.156.10011.1.3", "value": a_number(n)},
            {"system": "http://example.org/mrn", "value": f"MR{n:04d}"},
        ],
        "name": [{"use": "official", "text": f"王某{n}", "family": "王", "given": [f"某{n}"]}],
        "telecom": [{"system": "phone", "value": f"1381234{n:04d}"}],
        "gender": "female",
        "birthDate": "1955-05-05",
        "address": [{"text": f"人民路 {n} 号", "district": VILLAGE}],
        **more,
    }


def observation(n: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o{n}",
        "meta": META,
        "status": "final",
        "code": loinc("94500-6"),
        "subject": {"reference": f"Patient/p{n}"},
        "effectiveDateTime": "2022-03-05T09:00:00+08:00",
        "issued": "2022-03-05T18:00:00+08:00",
        "valueCodeableConcept": NOT_DETECTED,
        **more,
    }


def condition(n: int = 1, status: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"c{n}",
        "meta": META,
        "verificationStatus": {"coding": [{"code": status}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "840539006"}]},
        "subject": {"reference": f"Patient/p{n}"},
        "onsetDateTime": "2022-03-03",
        "recordedDate": "2022-03-05T10:00:00+08:00",
        **more,
    }


def report(*observations: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "meta": META,
        "status": "final",
        "code": loinc("94531-1"),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2022-03-05T09:00:00+08:00",
        "issued": "2022-03-05T18:00:00+08:00",
        "result": [{"reference": each} for each in observations],
        **more,
    }


def immunization(n: int = 1, cvx: str = "511", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Immunization",
        "id": f"i{n}",
        "meta": META,
        "status": "completed",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": cvx}]},
        "patient": {"reference": f"Patient/p{n}"},
        "occurrenceDateTime": "2021-06-01",
        "protocolApplied": [{"doseNumberPositiveInt": 2}],
        **more,
    }


def encounter(n: int = 1, reason: dict[str, Any] | None = COVID, **more: Any) -> dict[str, Any]:
    """A visit of the same number as that of `hl7_messages.an_adt`."""
    return {
        "resourceType": "Encounter",
        "id": f"e{n}",
        "meta": META,
        "identifier": [{"type": {"coding": [{"code": "VN"}]}, "value": f"V{n:04d}"}],
        "status": "in-progress",
        "class": {"code": "EMER"},
        "subject": {"reference": f"Patient/p{n}"},
        "period": {"start": "2022-03-05T10:00:00+08:00"},
        **({"reasonCode": [reason]} if reason else {}),
        **more,
    }


def specimen(n: int = 1, **more: Any) -> dict[str, Any]:
    collected = {"collectedDateTime": "2022-03-05T08:30:00+08:00"}
    return {"resourceType": "Specimen", "id": f"s{n}", "collection": collected, **more}


def pool(*people: int, **more: Any) -> list[dict[str, Any]]:
    """A positive tube of a group: the group, the specimen, the result."""
    members = [{"entity": {"reference": f"Patient/p{n}"}} for n in people]
    group = {"resourceType": "Group", "id": "g1", "type": "person", "actual": True, "member": members}
    of_group: dict[str, Any] = {"subject": {"reference": "Group/g1"}}
    tube = specimen(accessionIdentifier={"value": "TUBE-9"}, **of_group)
    told = {"valueCodeableConcept": DETECTED, "specimen": {"reference": "Specimen/s1"}, **of_group, **more}
    return [group, tube, observation(1, **told)]


def others() -> list[dict[str, Any]]:
    """Resources that are read and of which nothing is recorded."""
    return [immunization(cvx="03"), encounter(reason=None)]


def bundle(*resources: dict[str, Any], kind: str = "batch", **more: Any) -> dict[str, Any]:
    entries = []
    for each in resources:
        url = f"{each.get('resourceType')}/{each.get('id')}"
        entries.append({"resource": each, "request": {"method": "PUT", "url": url}})
    return {"resourceType": "Bundle", "type": kind, "entry": entries, **more}


def as_bytes(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
