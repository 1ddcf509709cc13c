"""Whom a record names, and what makes it senseless although each of its fields is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from services.intake import duties, leads, parts, records
from services.intake.parts import Person
from services.intake.problems import Problem
from services.intake.records import Record, Withdrawal
from services.intake.rules.traits import is_named


class Mention(NamedTuple):
    """Someone named in a record: where, by what, and the division the person is recorded in.

    lives_there: false where the record says nothing of where the person lives.
    """

    field: str
    person: Person | None
    person_ref: str | None
    division_code: str
    person_id: str | None = None
    lives_there: bool = True


def mentions_of(record: Record | Withdrawal) -> tuple[Mention, ...]:
    """Everybody named in a record, in an order that the record fixes: its person, then the other, or the members."""
    match record:
        case (
            records.HouseholdVisit(members=members, division_code=division)
            | duties.HouseholdRegister(members=members, division_code=division)
        ):
            return tuple(_mention(f"members[{n}]", each, division) for n, each in enumerate(members))
        case records.Tube(members=tubed):
            return tuple(_mention(f"members[{n}]", each, each.division_code) for n, each in enumerate(tubed))
        case records.Exposure():
            other = record.other
            who = other.person or other.flat
            named = Mention("other", who, other.person_ref, record.other_division_code, other.person_id)
            return (_mention("", record, record.division_code), named)
        case records.SamePerson(kept=kept, other=another, division_code=division):
            both = (("kept", kept), ("other", another))
            return tuple(_mention(field, each, division)._replace(lives_there=False) for field, each in both)
        case duties.Assignment(person=None, person_ref=None, person_id=None):
            return ()
        case leads.Lead():  # it says where to look, not where the person lives
            return (_mention("", record, record.division_code)._replace(lives_there=False),)
        case parts.Someone():
            return (_mention("", record, record.division_code),)
    return ()


def _mention(field: str, someone: parts.Someone, division: str) -> Mention:
    return Mention(field, someone.person, someone.person_ref, division, someone.person_id)


def places_of(record: Record | Withdrawal) -> tuple[tuple[str, str], ...]:
    """(field, division code) of every division that a record names; its own comes first."""
    match record:
        case records.Withdrawal() | records.StageTime(division_code=records.STAGE_DIVISION):
            return ()
        case records.Tube(members=members):
            others = [(f"members[{n}].division_code", member.division_code) for n, member in enumerate(members)]
            return (("division_code", record.division_code), *others)
        case records.Exposure():
            return ("division_code", record.division_code), ("other_division_code", record.other_division_code)
        case leads.PassedOn():
            return ("division_code", record.division_code), ("to_division_code", record.to_division_code)
    return (("division_code", record.division_code),)


def wrong_with(record: Record | Withdrawal, mentions: tuple[Mention, ...]) -> tuple[Problem, ...]:
    """Someone who is not named, an end before its beginning, a name where others read it."""
    return (*_unnamed(record, mentions), *_unplaced(record), *_out_of_order(record), *_named_in_text(record, mentions))


def _unnamed(record: Record | Withdrawal, mentions: tuple[Mention, ...]) -> Iterator[Problem]:
    at_home = dwelling_of(record) is not None
    for mention in mentions:
        named_so = mention.person_ref or mention.person_id
        if named_so is None and (mention.person is None or not is_named(mention.person, at_home=at_home)):
            yield Problem(mention.field or "person", "nobody_named")
    if isinstance(record, records.Exposure) and record.other.person and record.other.flat:
        yield Problem("other", "named_twice")


def dwelling_of(record: Record | Withdrawal) -> parts.Dwelling | None:
    """The dwelling that a record is about."""
    dwelling = record.__dict__.get("dwelling")  # getattr would look in five places where a kind has none
    return dwelling if isinstance(dwelling, parts.Dwelling) else None


def _unplaced(record: Record | Withdrawal) -> Iterator[Problem]:
    """A dwelling without a name; a step that follows nothing; an assignment to two things at once."""
    dwelling = dwelling_of(record)
    if dwelling is not None and dwelling.ref is None and dwelling.dwelling_id is None:
        yield Problem("dwelling", "no_dwelling_named")
    followed = leads.followed_by(record)
    if followed is not None and (followed.id is None) == (followed.feed is None or followed.source_id is None):
        yield Problem("lead" if isinstance(record, leads.LeadStep) else "asked", "nothing_followed")
    if isinstance(record, duties.Assignment):
        someone = record.person or record.person_ref or record.person_id
        if sum(target is not None for target in (someone, dwelling, record.site_id)) > 1:
            yield Problem("", "one_target")


_ORDER = {
    records.SingleTest: ("sampled_at", "resulted_at"),
    records.Exposure: ("first_at", "last_at"),
    records.PlaceExposure: ("first_at", "last_at"),
    records.CaseFinding: ("found_at", "reported_at"),
    duties.CanvassingRound: ("from_at", "until_at"),
    duties.Assignment: ("valid_from_at", "valid_until_at"),
    duties.Presence: ("since_at", "back_at"),
    parts.MeasureOrdered: ("from_at", "until_at"),
    parts.Arrival: ("left_area_at", "arrived_at"),
}


def _out_of_order(record: Record | Withdrawal) -> Iterator[Problem]:
    for field, part in _timed_parts(record):
        earlier, later = _ORDER[type(part)]  # type: ignore[index]
        first, last = getattr(part, earlier), getattr(part, later)
        if first is not None and last is not None and last < first:
            yield Problem(field + later, "not_after", {"other": earlier})


def _timed_parts(record: Record | Withdrawal) -> Iterator[tuple[str, object]]:
    if type(record) in _ORDER:
        yield "", record
    elif isinstance(record, records.QuarantineOrder):
        yield from ((f"measures[{n}].", measure) for n, measure in enumerate(record.measures))
    elif isinstance(record, records.HouseholdVisit):
        yield from ((f"members[{n}].arrival.", each.arrival) for n, each in enumerate(record.members) if each.arrival)


# Texts that stay inside: a reference and a source_id are hashed, a division is looked up.
_NOT_READ = {"kind", "person_id", "source_id", "person_ref", "division_code", "other_division_code"}


def _either(annotation: Any) -> tuple[Any, ...]:
    """What a field may be: of `X | None` both."""
    return get_args(annotation) or (annotation,)


_READ_BY_OTHERS: dict[type, tuple[str, ...]] = {
    model: tuple(
        name
        for name, field in model.model_fields.items()
        if name not in _NOT_READ and str in {getattr(each, "__origin__", each) for each in _either(field.annotation)}
    )
    for model in get_args(Record)
}


def _named_in_text(record: Record | Withdrawal, mentions: tuple[Mention, ...]) -> Iterator[Problem]:
    """What leaves the vault is read by more people than may know of whom it speaks (promise 9)."""
    if isinstance(record, Withdrawal):
        return
    texts = [(field, text) for field in _READ_BY_OTHERS[type(record)] if (text := getattr(record, field)) is not None]
    if isinstance(record, records.HouseholdVisit):
        texts += [
            (f"members[{n}].arrival.source_area_code", member.arrival.source_area_code)
            for n, member in enumerate(record.members)
            if member.arrival
        ]
    for mention in mentions:
        yield from (Problem(field, "name_in_text") for field, text in texts if _speaks_of(text, mention.person))


def _speaks_of(text: str, person: Person | None) -> bool:
    """Whether the person's name, number or telephone stands in the text."""
    if person is None:
        return False
    numbers = (person.id_number, person.phone)
    return names(person.name, text) or any(number is not None and number in text for number in numbers)


def names(name: str | None, text: str) -> bool:
    """Whether a text holds the whole name of a person."""
    if name is None or len(name) < 2:
        return False
    if name.isascii():
        return re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) is not None
    return name in text
