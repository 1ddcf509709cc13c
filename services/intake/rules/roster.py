"""What a record tells of the roster and of duty, as rows of intake's own tables: one function a kind.

A row belongs to the record that told it: a correction replaces the record's rows, a withdrawal takes them away. No row
holds a name, a number, a telephone or an address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from services.intake import duties, records
from services.intake.rules import lead_rows
from services.intake.rules.statements import Ids


class Call(NamedTuple):
    """A household was sought in a round. outcome: reached, or why not. entered_by: the post, where a worker told it."""

    record_id: str
    division_code: str
    drill: bool
    dwelling_id: str
    round_id: str
    called_at: datetime
    channel: str
    outcome: str
    entered_by: str


class Resident(NamedTuple):
    """A person was met in a dwelling at since_at, or stands in its register from then on."""

    record_id: str
    division_code: str
    drill: bool
    person_id: str
    dwelling_id: str
    since_at: datetime
    round_id: str
    temperature_celsius: float | None


class Register(NamedTuple):
    """From registered_at on only those live there who are in the register, or were met later."""

    record_id: str
    division_code: str
    drill: bool
    dwelling_id: str
    registered_at: datetime
    lived_in: bool


class Presence(NamedTuple):
    record_id: str
    division_code: str
    drill: bool
    person_id: str
    state: str
    since_at: datetime
    where_words: str | None
    back_at: datetime | None


class Round(NamedTuple):
    record_id: str
    division_code: str
    drill: bool
    round_id: str
    opened_by: str
    from_at: datetime
    until_at: datetime


class Assigned(NamedTuple):
    """Who answers for what; of dwelling_id, person_id and site_id at most one is there, else it is the division."""

    record_id: str
    division_code: str
    drill: bool
    post_id: str
    duty: str
    dwelling_id: str | None
    person_id: str | None
    site_id: str | None
    valid_from_at: datetime
    valid_until_at: datetime | None


class Handed(NamedTuple):
    record_id: str
    division_code: str
    drill: bool
    from_post_id: str
    to_post_id: str
    handed_at: datetime


class Check(NamedTuple):
    """A person was visited, or a sample of his or her own was taken: what closes an item on a worker's list."""

    record_id: str
    division_code: str
    drill: bool
    person_id: str
    what: str
    done_at: datetime
    entered_by: str
    temperature_celsius: float | None


class Stay(NamedTuple):
    """At which site a placement is: its staff answers for the people there."""

    record_id: str
    division_code: str
    drill: bool
    placement_id: str
    person_id: str
    site_id: str


Row = Call | Resident | Register | Presence | Round | Assigned | Handed | Check | Stay | lead_rows.Row
REACHED = "reached"
AWAY = "away"
VISITED, SAMPLED = "visited", "sampled"


def rows_of(record: records.Record, ids: Ids, entered_by: str) -> list[Row]:
    """What is to be kept of an accepted record; nothing for the kinds that tell nothing of the roster."""
    tell = _TELLERS.get(type(record))
    return list(tell(record, ids, entered_by)) if tell else []


def tells(kind: str) -> bool:
    """Whether records of this kind have rows."""
    return kind in _KINDS


def _head(record: records.Record, ids: Ids) -> tuple[str, str, bool]:
    return ids.record_id, record.division_code, record.drill


def _household_visit(record: records.HouseholdVisit, ids: Ids, by: str) -> Iterator[Row]:
    head, dwelling, at = _head(record, ids), ids.dwelling_id, record.visited_at
    yield Call(*head, dwelling, record.round_id, at, record.channel.value, REACHED, by)
    for member, person_id in zip(record.members, ids.people, strict=True):
        yield Resident(*head, person_id, dwelling, at, record.round_id, member.temperature_celsius)


def _canvass_attempt(record: duties.CanvassAttempt, ids: Ids, by: str) -> Iterator[Row]:
    head, how = _head(record, ids), (record.channel.value, record.outcome.value)
    yield Call(*head, ids.dwelling_id, record.round_id, record.attempted_at, *how, by)


def _household_register(record: duties.HouseholdRegister, ids: Ids, by: str) -> Iterator[Row]:
    head = _head(record, ids)
    yield Register(*head, ids.dwelling_id, record.registered_at, record.lived_in)
    for person_id in ids.people:
        yield Resident(*head, person_id, ids.dwelling_id, record.registered_at, "", None)


def _presence(record: duties.Presence, ids: Ids, by: str) -> Iterator[Row]:
    when = record.since_at, record.where, record.back_at
    yield Presence(*_head(record, ids), ids.people[0], record.state, *when)


def _canvassing_round(record: duties.CanvassingRound, ids: Ids, by: str) -> Iterator[Row]:
    yield Round(*_head(record, ids), record.round_id, record.opened_by, record.from_at, record.until_at)


def _assignment(record: duties.Assignment, ids: Ids, by: str) -> Iterator[Row]:
    what = ids.dwelling_id or None, next(iter(ids.people), None), record.site_id
    valid = record.valid_from_at, record.valid_until_at
    yield Assigned(*_head(record, ids), record.post_id, record.duty.value, *what, *valid)


def _hand_over(record: duties.HandOver, ids: Ids, by: str) -> Iterator[Row]:
    yield Handed(*_head(record, ids), record.from_post_id, record.to_post_id, record.handed_at)


def _visit(record: records.Visit, ids: Ids, by: str) -> Iterator[Row]:
    yield Check(*_head(record, ids), ids.people[0], VISITED, record.visited_at, by, record.temperature_celsius)


def _test(record: records.SingleTest, ids: Ids, by: str) -> Iterator[Row]:
    yield Check(*_head(record, ids), ids.people[0], SAMPLED, record.sampled_at, by, None)


def _tube(record: records.Tube, ids: Ids, by: str) -> Iterator[Row]:
    """A pooled tube is no sample of anybody's own (Notice 003 §2: each member is sampled again, alone)."""
    if len(ids.people) == 1:
        yield Check(*_head(record, ids), ids.people[0], SAMPLED, record.sampled_at, by, None)


def _placement(record: records.Placement, ids: Ids, by: str) -> Iterator[Row]:
    yield Stay(*_head(record, ids), record.placement_id, ids.people[0], record.site_id)


_TELLERS: dict[type, Callable[[Any, Ids, str], Iterator[Row]]] = {
    records.HouseholdVisit: _household_visit,
    duties.CanvassAttempt: _canvass_attempt,
    duties.HouseholdRegister: _household_register,
    duties.Presence: _presence,
    duties.CanvassingRound: _canvassing_round,
    duties.Assignment: _assignment,
    duties.HandOver: _hand_over,
    records.Visit: _visit,
    records.SingleTest: _test,
    records.Tube: _tube,
    records.Placement: _placement,
    **lead_rows.TELLERS,
}
_KINDS = {kind for kind, model in records.KINDS.items() if model in _TELLERS}
