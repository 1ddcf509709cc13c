"""Specimens of several people: which they are, what they are called, whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.intake.health.fhir.bundles import Together, subject_of
from services.intake.health.fhir.resources import Entry, Resource, listed
from services.intake.health.people import Patient
from services.intake.health.sources import Source


class Pool(NamedTuple):
    """tube: its number. people: those who are named."""

    tube: str
    people: list[Patient]


def specimens_of(resource: Resource, together: Together) -> list[Resource]:
    """Those of an observation or a report that are in the message."""
    one = resource.get("specimen")
    references = [one] if isinstance(one, dict) else listed(resource, "specimen")
    found = (together.resource(resource, each) for each in references)
    return [each for each in found if each is not None and each.get("resourceType") == "Specimen"]


def pool_of(entry: Entry, together: Together, source: Source) -> Pool | None:
    """The pool that was tested; None: one person's own sample.

    A pool's subject is a Group, of the result or of the specimen; or it was made of specimens of several people.
    """
    resource = entry.resource
    specimen = next(iter(specimens_of(resource, together)), None)
    for owner in filter(None, (resource, specimen)):
        if _is_group(owner, together):
            group = together.resource(owner, owner.get("subject"))
            people = list(_members(group, entry, together, source)) if group else []
            return Pool(_tube(specimen, owner), people)
    if specimen is None:
        return None
    parts = (together.resource(specimen, each) for each in listed(specimen, "parent"))
    whose = [each for each in parts if each is not None and "subject" in each]
    people = [subject_of(each, f"{entry.place}.specimen", together, source) for each in whose]
    several = len({each.person_ref or each.person.get("id_number") for each in people}) > 1
    return Pool(_tube(specimen, resource), people) if several else None


def _is_group(owner: Resource, together: Together) -> bool:
    reference = owner.get("subject") or {}
    group = together.resource(owner, reference)
    if group is not None:
        return bool(group.get("resourceType") == "Group")
    return reference.get("type") == "Group" or "Group" in str(reference.get("reference") or "").split("/")[-2:-1]


def _members(group: Resource, entry: Entry, together: Together, source: Source) -> Iterator[Patient]:
    """A group's members by its own references, contained ones too."""
    inside = [*listed(group, "contained"), *listed(entry.resource, "contained")]
    for member in listed(group, "member"):
        if not member.get("inactive"):
            holder = {"subject": member.get("entity"), "contained": inside, "fullUrl": group.get("fullUrl")}
            yield subject_of(holder, f"{entry.place}.subject", together, source)


def _tube(specimen: Resource | None, owner: Resource) -> str:
    """The number on the tube, else the name of what is referred to: the specimen, or the group."""
    if specimen is not None:
        numbers = [specimen.get("accessionIdentifier") or {}, *listed(specimen, "identifier")]
        known = next((str(each["value"]) for each in numbers if each.get("value")), None) or specimen.get("id")
        if known:
            return str(known)[:64]
    one = owner.get("specimen")
    references = [one if isinstance(one, dict) else {}, owner.get("subject") or {}]
    named = ((each.get("identifier") or {}).get("value") or each.get("reference") or "" for each in references)
    return next((str(each).rpartition("/")[2].lstrip("#")[:64] for each in named if each), "")
