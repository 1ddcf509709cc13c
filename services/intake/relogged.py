"""The ids that a record takes: drawn anew, or, in a database that was put back, those that the log holds already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event, parse
from services.chassis.database import Tx
from services.intake.desk import Desk
from services.intake.entry import Entry
from services.intake.rules.adopting import adopted
from services.intake.rules.revisions import revision_of
from services.intake.store import people, records
from services.intake.vault import record_id


async def look_into_log(tx: Tx, taken: Sequence[Entry], salts: Sequence[bytes]) -> None:
    """After a restore: what the log holds of these records under the revision that comes again, and the id it gave."""
    drawn = {record_id(salt, entry.found_by): entry for salt in salts for entry in taken if not entry.known}
    held = await records.held_by_log(tx, [*drawn, *(entry.record_id for entry in taken if entry.known)])
    for each in held.keys() & drawn.keys():
        drawn[each].record_id = each
    for entry in taken:
        entry.beyond = [parse(event) for event in held.get(entry.record_id, ())]
        entry.held = [event for event in entry.beyond if event.data.revision == entry.record.revision]


def goes_beyond(entry: Entry) -> int | None:
    """The revision above all that the log holds of a record whose sender does not count them; None: its own is right.

    Sent again in their order its revisions take the numbers that they had. One that says otherwise than the log under
    the same number was not the next one then: whoever heard the log would pass it over.
    """
    highest = max((event.data.revision for event in entry.beyond), default=0)
    if not revision_of(entry.record).in_any_order or highest < entry.record.revision:
        return None
    held = {event.data.statement_id: (event.division, event.data) for event in entry.held if not event.data.withdrawn}
    return highest + 1 if held != {fact.statement_id: (at, fact) for at, fact in entry.sayings} else None


def latest_held(entry: Entry) -> list[Event[Any]]:
    """What the log holds of the record, each statement as it was said last."""
    latest = dict[str, Event[Any]]()
    for event in sorted(entry.beyond, key=lambda each: each.data.revision):
        latest[event.data.statement_id] = event
    return [*latest.values()]


async def fresh_ids(tx: Tx, entry: Entry, desk: Desk) -> list[str]:
    """The ids that the names of a record take where nobody is known by them."""
    places = range(len(entry.subjects))
    drawn = [desk.pepper.owner_id(entry.record_id, entry.record.revision, place) for place in places]
    if not entry.held:
        return drawn
    owners = await people.find_owners(tx, [find.found_by for subject in entry.subjects for find in subject.finds])
    known = [next((owners[f.found_by] for f in each.finds if f.found_by in owners), None) for each in entry.subjects]
    return adopted([event.data for event in entry.held], drawn, known)
