"""PID: who a message speaks of. All of it goes into `person`, and so into the vault."""

from __future__ import annotations

from collections.abc import Iterator

from services.intake.health.hl7.message import Field, Segment
from services.intake.health.moments import Exact, read_moment
from services.intake.health.people import Patient
from services.intake.health.sources import Source
from services.intake.rules.numbers import wrong_with_number

_NATIONAL = ("NI", "NNCHN", "NNCN", "SS", "01", "身份证", "居民身份证", "2.16.156.10011.1.3")
"""Types and assigning authorities of citizen identification numbers (table 0203; WS/T 364 type 01; its OID)."""
_OF_A_VISIT = ("VN", "AN")
"""Types of numbers (table 0203) that are of a visit or an account: the same person has another the next time."""
_SEXES = {"F": "F", "M": "M", "1": "M", "2": "F", "男": "M", "女": "F"}  # table 0001, GB/T 2261.1


def patient_of(pid: Segment, source: Source) -> Patient:
    """Names in Chinese characters come before their transcription."""
    numbers, others = list[str](), list[Field]()
    for each in (*pid.all(3), *pid.all(2)):
        if _is_national(each, source):
            numbers.append(each.part())
        elif each.part(5) not in _OF_A_VISIT:
            others.append(each)
    numbers += [number for number in (pid.get(19).upper(),) if len(number) == 18]
    birth = read_moment(pid.get(7), source.tz)
    person = {
        "id_number": next(filter(None, numbers), ""),
        "name": _name(pid.all(5)),
        "phone": next(filter(None, (_phone(each) for each in (*pid.all(13), *pid.all(14)))), "")[:32],
        "sex": _SEXES.get(pid.get(8).upper(), ""),
        "birth_date": birth.day if birth and birth.exact >= Exact.DAY else "",
        "address": next(filter(None, map(_address, pid.all(11))), "")[:300],
    }
    record_number = next((each.part() for each in sorted(others, key=_rank) if each.part()), "")
    return Patient(
        person={field: value for field, value in person.items() if value},
        person_ref=f"{source.institution}:{record_number}"[:128] if record_number else None,
        division_code=source.division(_codes(pid)),
        places={
            "person": pid.place(3),
            "person.name": pid.place(5),
            "person.birth_date": pid.place(7),
            "person.phone": pid.place(13),
            "person.address": pid.place(11),
            "person_ref": pid.place(3),
            "division_code": pid.place(11),
        },
    )


def _is_national(each: Field, source: Source) -> bool:
    """By type or authority; without a type by its form, its birth date and its check character."""
    signs = (each.part(5), each.part(4), each.part(4, 2))
    named = any(sign in _NATIONAL or sign in source.id_numbers for sign in signs if sign)
    return named or (not each.part(5) and wrong_with_number(each.part().upper()) is None)


def _rank(each: Field) -> int:
    """The person's number in the hospital, in whichever order they stand; two of one rank as they stand."""
    return {"MR": 0, "PI": 1}.get(each.part(5), 2)


def _name(names: list[Field]) -> str:
    ordered = sorted(names, key=lambda each: each.part(8) != "I")  # table 4000: I is ideographic
    for each in ordered:
        family, given = each.part(1), each.part(2)
        if family or given:
            blank = " " if (family + given).isascii() and family and given else ""
            return (f"{given}{blank}{family}" if blank else f"{family}{given}")[:100]
    return ""


def _phone(each: Field) -> str:
    return each.part(12) or each.part(1) or each.part(6) + each.part(7)


def _address(each: Field) -> str:
    return "".join(filter(None, (each.part(4), each.part(3), each.part(1), each.part(2))))


def _codes(pid: Segment) -> Iterator[str]:
    """Codes of divisions that stand in the address: census tract, county, district."""
    for each in pid.all(11):
        yield from (each.part(10), each.part(9), each.part(8))
    yield pid.get(12)
