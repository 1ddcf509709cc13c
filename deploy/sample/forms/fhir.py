"""Immunization of FHIR R4, the patient contained: one Bundle a step, as a hospital's server sends it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deploy.sample.forms.hl7 import made_at
from deploy.sample.mail import Sent

_CVX = {"inactivated": "511", "viral_vector": "506"}


def as_bundle(received: Sequence[Sent]) -> bytes:
    """A batch."""
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [_entry(sent) for sent in received]}
    return json.dumps(bundle, ensure_ascii=False).encode()


def _entry(sent: Sent) -> dict[str, Any]:
    resource = _immunization(sent)
    return {"resource": resource, "request": {"method": "PUT", "url": f"Immunization/{resource['id']}"}}


def _immunization(sent: Sent) -> dict[str, Any]:
    record = sent.record
    number = record["person"]["id_number"]
    patient = {
        "resourceType": "Patient",
        "id": number,
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": number}],
        "address": [{"district": record["division_code"]}],
    }
    return {
        "resourceType": "Immunization",
        "id": record["source_id"],
        "meta": {"lastUpdated": made_at(sent).isoformat()},
        "contained": [patient],
        "status": "completed",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": _CVX[record["vaccine"]]}]},
        "patient": {"reference": f"#{number}"},
        "occurrenceDateTime": record["given_at"],
        "protocolApplied": [{"doseNumberPositiveInt": record["dose_number"]}],
    }
