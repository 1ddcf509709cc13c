"""Steps through the door: each is held beside the record that it follows, which tells whom it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic_core import from_json

from contracts.leads import Tenure, may_act
from services.chassis.database import Tx
from services.intake import leads
from services.intake.entry import Entry
from services.intake.problems import Problem
from services.intake.records import Record, Withdrawal
from services.intake.rules.lead_rows import LeadDone, LeadHeld, NeedHeld, by_lead, held_of
from services.intake.rules.mentions import names
from services.intake.store import leads as kept
from services.intake.store import people, records
from services.intake.vault import Pepper, Vault


class Follows(NamedTuple):
    """The record that a step follows: by its id, or by what it is found by. Both empty: no step."""

    id: str = ""
    found_by: bytes = b""


def follows(record: Record | Withdrawal, pepper: Pepper) -> Follows:
    followed = leads.followed_by(record)
    if followed is None:
        return Follows()
    if followed.id:
        return Follows(id=followed.id)
    return Follows(found_by=pepper.found_by(followed.feed or "", followed.source_id or ""))


async def known_ids(tx: Tx, entries: Sequence[Entry]) -> Mapping[bytes | str, str]:
    """The ids of these records and of those that they follow, as far as they are known, where any is a step."""
    if not any(entry.follows or entry.follows_by for entry in entries):
        return {}
    found = await records.ids_of(tx, {each for entry in entries for each in (entry.found_by, entry.follows_by)})
    return dict[bytes | str, str](found.items())


async def follow(tx: Tx, vault: Vault, entries: Sequence[Entry]) -> None:
    """Sets which record each step follows and whom that is about, or why it cannot be taken."""
    steps = [entry for entry in entries if entry.follows or entry.follows_by]
    if not steps:
        return
    ids = await records.ids_of(tx, {entry.follows_by for entry in steps if entry.follows_by})
    for entry in steps:
        entry.follows = entry.follows or ids.get(entry.follows_by, "")
    wanted = {entry.follows for entry in steps}
    found: dict[str, LeadHeld | NeedHeld] = {each.record_id: each for each in await kept.load(tx, wanted)}
    found |= {each.record_id: each for each in await kept.load_needs(tx, wanted - found.keys())}
    done = by_lead(await kept.load_steps(tx, wanted))
    called = await _names(tx, vault, {found[entry.follows].person_id for entry in steps if entry.follows in found})
    for entry in steps:
        before = found.get(entry.follows)
        entry.problems = tuple(_wrong(entry, before, done.get(entry.follows, ()), called))
        if before is not None:
            entry.about = before.person_id


async def _names(tx: Tx, vault: Vault, person_ids: set[str]) -> Mapping[str, str]:
    rows = await people.load_persons(tx, person_ids)
    opened = {each: from_json(vault.open(row.sealed, each)) for each, row in rows.items()}
    return {each: content["name"] for each, content in opened.items() if "name" in content}


def _wrong(
    entry: Entry, before: LeadHeld | NeedHeld | None, done: Sequence[LeadDone], called: Mapping[str, str]
) -> Iterator[Problem]:
    """A step that follows nothing, or what was never the sender's: in the same words, as if there were none."""
    record, sender = entry.record, entry.reading.sender
    if isinstance(record, leads.NeedMet):
        if not isinstance(before, NeedHeld) or not sender.may_record(before.division_code):
            yield Problem("asked", "unknown_need")
            return
        if record.division_code != before.division_code:
            yield Problem("division_code", "not_with_division", {"expected": before.division_code})
    else:
        assert isinstance(record, leads.LeadStep)  # noqa: S101 - only steps follow
        before = before if isinstance(before, LeadHeld) else None
        held = held_of(before, [each for each in done if each.record_id != entry.record_id]) if before else []
        if before is None or not any(sender.may_record(each.division_code) for each in held):
            yield Problem("lead", "unknown_lead")
            return
        yield from _wrong_step(record, held, called.get(before.person_id))
    if record.drill != before.drill:
        yield Problem("drill", "not_as_followed")


def _wrong_step(record: leads.LeadStep, held: Sequence[Tenure], name: str | None) -> Iterator[Problem]:
    """A division that does not hold the lead, one that passes it on to itself, a name in words."""
    if not may_act(held, record.division_code, record.done_at):
        yield Problem("division_code", "not_with_division", {"expected": held[-1].division_code})
    if isinstance(record, leads.PassedOn) and record.to_division_code == record.division_code:
        yield Problem("to_division_code", "to_itself")
    reason = record.reason if isinstance(record, leads.ClosedLead | leads.PassedOn) else None
    if reason is not None and names(name, reason):
        yield Problem("reason", "name_in_text")
