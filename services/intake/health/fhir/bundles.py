"""What the resources of one message say of each other: references by url, by type and id, within a resource."""

from __future__ import annotations

from collections.abc import Iterable

from services.intake.health.fhir.resources import Entry, Resource, listed
from services.intake.health.moments import Exact, read_moment
from services.intake.health.people import Patient
from services.intake.health.sources import Source

NATIONAL_SYSTEMS = ("urn:oid:2.16.156.10011.1.3",)
NATIONAL_TYPES = ("NI", "NNCHN", "NNCN")
_SEXES = {"male": "M", "female": "F"}


class Together:
    """The resources of a message that could be read.

    What `find_told_together` notes by place: told_by, what tells an observation; tells, what a report, a panel or the
    first of one number tells; annulled, the withdrawn report of a single observation. ambiguous: (type, number) of
    several subjects.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._read = [entry for entry in entries if not entry.problems]
        self._by_url = {entry.resource["fullUrl"]: entry for entry in self._read if "fullUrl" in entry.resource}
        self._by_name = dict[str, list[Entry]]()
        for entry in self._read:
            self._by_name.setdefault(f"{entry.type}/{entry.resource.get('id')}", []).append(entry)
        self.told_by: dict[str, Entry] = {}
        self.tells: dict[str, list[Entry]] = {}
        self.annulled: dict[str, Entry] = {}
        self.ambiguous: set[tuple[str, str]] = set()

    def of_type(self, name: str) -> list[Entry]:
        return [each for each in self._read if each.type == name]

    def referred(self, owner: Entry, reference: Resource) -> Entry | None:
        """What a reference of an entry means, if it is here; what is contained may itself refer to what is."""
        text = reference.get("reference") or ""
        if not text.startswith("#"):
            return self._entry(text, owner.resource)
        inside = listed(owner.resource, "contained")
        around = {name: owner.resource[name] for name in ("contained", "fullUrl") if name in owner.resource}
        found = ((n, each) for n, each in enumerate(inside) if each.get("id") == text[1:])
        return next((Entry(f"{owner.place}.contained[{n}]", {**each, **around}) for n, each in found), None)

    def resource(self, owner: Resource, reference: Resource | None) -> Resource | None:
        """The same of a resource."""
        found = self.referred(Entry("", owner), reference or {})
        return found.resource if found else None

    def _entry(self, reference: str, owner: Resource) -> Entry | None:
        """By url, a relative one on the owner's server first; else by type and id, if that is of one server alone."""
        reference = reference.partition("/_history/")[0]
        absolute = reference.startswith("urn:") or "://" in reference
        base = str(owner.get("fullUrl") or "").rsplit("/", 2)[0]
        found = self._by_url.get(reference if absolute else f"{base}/{reference}")
        if found is not None:
            return found
        named = self._by_name.get("/".join(reference.split("/")[-2:]), [])
        if absolute:
            named = [each for each in named if "fullUrl" not in each.resource]
        return named[-1] if len({each.resource.get("fullUrl") for each in named}) == 1 else None


def subject_of(owner: Resource, place: str, together: Together, source: Source) -> Patient:
    """The patient of an observation or a condition: with the person's data where they are in the message."""
    reference = owner.get("subject") or owner.get("patient") or {}
    resource = together.resource(owner, reference)
    if resource is not None and resource.get("resourceType") == "Patient":
        return patient_of(resource, f"{place}.subject", source)
    text = str(reference.get("reference") or "")
    name = "/".join(text.split("/")[-2:]) if text.split("/")[-2:-1] == ["Patient"] else ""
    identifier = reference.get("identifier") or {}
    person = {"id_number": identifier["value"]} if _is_national(identifier, source) and identifier.get("value") else {}
    ref = name or (identifier.get("value") if not person else "")
    return Patient(person, _ref(source, ref or ""), source.division_code, {"person": f"{place}.subject"})


def patient_of(resource: Resource, place: str, source: Source) -> Patient:
    """A Patient: its id names it in this source; its identification number names the person everywhere."""
    identifiers = listed(resource, "identifier")
    numbers = [each.get("value") for each in identifiers if _is_national(each, source)]
    others = [each.get("value") for each in identifiers if not _is_national(each, source)]
    birth = read_moment(resource.get("birthDate"), source.tz)
    addresses = listed(resource, "address")
    telecoms = [each for each in listed(resource, "telecom") if each.get("system") in ("phone", "sms")]
    person = {
        "id_number": next(filter(None, numbers), ""),
        "name": next(filter(None, map(_name, _official_first(listed(resource, "name")))), "")[:100],
        "phone": next(filter(None, (each.get("value") for each in telecoms)), "")[:32],
        "sex": _SEXES.get(resource.get("gender") or "", ""),
        "birth_date": birth.day if birth and birth.exact is Exact.DAY else "",
        "address": next(filter(None, map(_address, addresses)), "")[:300],
    }
    name = f"Patient/{resource['id']}" if resource.get("id") else next(filter(None, others), "")
    codes = [each.get(part) or "" for each in addresses for part in ("district", "city", "state", "postalCode")]
    return Patient(
        {field: value for field, value in person.items() if value},
        _ref(source, name),
        source.division(codes),
        {"person": place, "person.id_number": f"{place}.identifier", "division_code": f"{place}.address"},
    )


def _ref(source: Source, name: str) -> str | None:
    return f"{source.institution}:{name}"[:128] if name else None


def _is_national(identifier: Resource, source: Source) -> bool:
    system = identifier.get("system") or ""
    types = [coding.get("code") for coding in listed(identifier.get("type") or {}, "coding")]
    return system in (*NATIONAL_SYSTEMS, *source.id_numbers) or any(code in NATIONAL_TYPES for code in types)


def _official_first(names: list[Resource]) -> list[Resource]:
    return sorted(names, key=lambda each: each.get("use") != "official")


def _name(name: Resource) -> str:
    family, given = name.get("family") or "", "".join(listed(name, "given"))
    return name.get("text") or (f"{given} {family}".strip() if (family + given).isascii() else f"{family}{given}")


def _address(address: Resource) -> str:
    parts = (address.get("state"), address.get("city"), address.get("district"), *listed(address, "line"))
    return address.get("text") or "".join(part for part in parts if part and not part.isdigit())
