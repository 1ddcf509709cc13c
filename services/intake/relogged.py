"""The ids that a record takes: drawn anew, or, in a database that was put back, those that the log holds already."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.envelope import parse
from services.chassis.database import Tx
from services.intake.desk import Desk
from services.intake.entry import Entry
from services.intake.rules.adopting import adopted
from services.intake.store import people, records
from services.intake.vault import record_id


async def look_into_log(tx: Tx, taken: Sequence[Entry], salts: Sequence[bytes]) -> None:
    """After a restore: what the log holds of these records under the revision that comes again, and the id it gave."""
    drawn = {record_id(salt, entry.found_by): entry for salt in salts for entry in taken if not entry.known}
    held = await records.held_by_log(tx, [*drawn, *(entry.record_id for entry in taken if entry.known)])
    for each in held.keys() & drawn.keys():
        drawn[each].record_id = each
    for entry in taken:
        events = map(parse, held.get(entry.record_id, ()))
        entry.held = [event for event in events if event.data.revision == entry.record.revision]


async def fresh_ids(tx: Tx, entry: Entry, desk: Desk) -> list[str]:
    """The ids that the names of a record take where nobody is known by them."""
    places = range(len(entry.subjects))
    drawn = [desk.pepper.owner_id(entry.record_id, entry.record.revision, place) for place in places]
    if not entry.held:
        return drawn
    owners = await people.find_owners(tx, [find.found_by for subject in entry.subjects for find in subject.finds])
    known = [next((owners[f.found_by] for f in each.finds if f.found_by in owners), None) for each in entry.subjects]
    return adopted([event.data for event in entry.held], drawn, known)
