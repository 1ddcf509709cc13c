"""Admission: one transaction for a batch of records, and a verdict for each.

Recognised against what is stored, resolved to random ids, kept, said as events, counted: all of it or nothing. Two
records of one source_id in a batch are admitted one after the other, in waves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.envelope import say
from services.chassis.database import Tx
from services.intake.bookkeeping import keep_books
from services.intake.desk import Desk
from services.intake.doubting import look_again
from services.intake.entry import Entry, waves_of
from services.intake.following import follow, follows, known_ids
from services.intake.identity import (
    Subject,
    keep_subjects,
    subject_of_dwelling,
    subject_of_mention,
)
from services.intake.matched import asked_about
from services.intake.merging import Decided, beyond_jurisdiction, keep_merges
from services.intake.naming import unknown_by_id
from services.intake.problems import Problem, Refused
from services.intake.reading import UNREADABLE, Reading
from services.intake.records import Record, SamePerson, StageTime, Withdrawal
from services.intake.relogged import fresh_ids, goes_beyond, latest_held, look_into_log
from services.intake.resolving import resolve_subjects
from services.intake.roster import Told, keep_roster
from services.intake.rules.adopting import taken_back
from services.intake.rules.facts import named_in, sayings_of
from services.intake.rules.mentions import dwelling_of
from services.intake.rules.plausible import implausible
from services.intake.rules.recognise import (
    Known,
    Recognised,
    confirms_later,
    content_of,
    numbered,
    pack,
    recognise,
    unpack,
    withdrawn_by,
)
from services.intake.rules.retelling import kind_said
from services.intake.rules.revisions import Revision, revision_of
from services.intake.rules.statements import Ids
from services.intake.store import records
from services.intake.vault import Vault, record_id
from services.intake.verdicts import ACCEPTED, DUPLICATE, REJECTED, Verdict


async def admit(tx: Tx, now: datetime, readings: Sequence[Reading], desk: Desk) -> list[Verdict]:
    """The verdicts, in order, each with its events.

    Raises asyncpg.UniqueViolationError: another transaction has just stored one of them; roll back and call again.
    """
    entries = [_entered(reading, reading.record, desk) if reading.record else None for reading in readings]
    readable = [entry for entry in entries if entry]
    await _check(tx, now, readable, desk)
    for wave in waves_of(readable, await known_ids(tx, readable)):
        await _admit_wave(tx, now, wave, desk)
    pairs = zip(readings, entries, strict=True)
    verdicts = [_verdict(entry) if entry else _unreadable(reading, desk) for reading, entry in pairs]
    await keep_books(tx, now, readings, verdicts, desk)
    return verdicts


def _entered(reading: Reading, record: Record | Withdrawal, desk: Desk) -> Entry:
    content_hash = desk.pepper.content_hash(content_of(record))
    source_id = record.source_id or content_hash.hex()
    followed = follows(record, desk.pepper)
    found_by = desk.pepper.found_by(record.feed, source_id)
    return Entry(reading, record, source_id, found_by, content_hash, follows=followed.id, follows_by=followed.found_by)


async def _check(tx: Tx, now: datetime, entries: Sequence[Entry], desk: Desk) -> None:
    """What a record may be refused for without looking at others: where, by whom, when."""
    known = await desk.where.known(tx, {code for entry in entries for _, code in entry.reading.places})
    for entry in entries:
        if desk.clock != "stage" and isinstance(entry.record, StageTime):
            entry.problems = (Problem("kind", "only_on_stage"),)
        else:
            entry.problems = tuple(desk.where.wrong_with(entry.reading, known))
            if desk.clock == "wall":
                entry.problems += tuple(implausible(entry.record, entry.reading.mentions, now))


async def _admit_wave(tx: Tx, now: datetime, wave: Sequence[Entry], desk: Desk) -> None:
    known = await records.lock_known(tx, (entry.found_by for entry in wave))
    for entry in wave:
        _recognise(entry, known)
    await records.stood_still(tx, _stood_still(wave))
    await _resolve(tx, now, [entry for entry in wave if entry.goes_on], desk)
    taken = [entry for entry in wave if entry.goes_on]
    for entry in taken:
        _state(entry, now)
    named = [(owner, subject) for entry in taken for owner, subject in zip(entry.ids, entry.subjects, strict=True)]
    await keep_subjects(tx, desk.vault, named)
    kept = [_kept(entry) for entry in taken]
    await records.replace_known(tx, [row for row, entry in zip(kept, taken, strict=True) if entry.known], now)
    await records.insert_new(tx, [row for row, entry in zip(kept, taken, strict=True) if not entry.known], now)
    await keep_roster(tx, now, [_told(entry, row.said) for row, entry in zip(kept, taken, strict=True)])
    asked = [(each.ids[place], others) for each in taken for place, others in each.unsure.items()]
    await asked_about(tx, now, asked)
    await keep_merges(tx, now, desk.vault, [Decided(each.record_id, each.record, each.events) for each in taken])
    await look_again(tx, now, desk.vault, wave)


def _recognise(entry: Entry, known: Mapping[bytes, Known]) -> None:
    entry.known = known.get(entry.found_by)
    entry.record_id = (entry.known and entry.known.record_id) or ""
    if entry.known and entry.reading.exported_as == entry.content_hash.hex():
        entry.duplicate = True  # as it was exported from here: nothing is changed
        return
    try:
        entry.duplicate = recognise(entry.record, entry.content_hash, entry.known) is Recognised.DUPLICATE
    except Refused as refused:
        entry.problems = refused.problems
    entry.record = numbered(entry.record, entry.known)
    if entry.known and entry.goes_on:
        entry.before = unpack(entry.known.said)
        if entry.before.division and not entry.reading.sender.may_record(entry.before.division):
            entry.problems = (Problem("source_id", "beyond_jurisdiction"),)
        elif kind := _kind_before(entry):
            entry.problems = tuple(entry.reading.sender.wrong_with(entry.record.feed, kind))


def _kind_before(entry: Entry) -> str | None:
    return kind_said(entry.before.sayings) or entry.before.kind


def _stood_still(wave: Sequence[Entry]) -> dict[bytes, Revision]:
    known = ((entry, entry.known) for entry in wave if entry.duplicate)
    return {each.found_by: revision_of(each.record) for each, it in known if it and confirms_later(each.record, it)}


async def _resolve(tx: Tx, now: datetime, taken: Sequence[Entry], desk: Desk) -> None:
    await follow(tx, desk.vault, taken)
    taken = [entry for entry in taken if entry.goes_on]
    salt = await desk.salts.of_week(tx, now, desk.vault)
    for entry in taken:
        entry.subjects = _subjects(entry, desk.vault)
        entry.record_id = entry.record_id or record_id(salt, entry.found_by)
    named = [(entry.reading.sender, entry.subjects) for entry in taken]
    for entry, problems in zip(taken, await unknown_by_id(tx, named), strict=True):
        entry.problems = problems
    taken = [entry for entry in taken if entry.goes_on]
    if await records.is_restored(tx):
        await look_into_log(tx, taken, await desk.salts.all(tx, desk.vault))
    fresh = [await fresh_ids(tx, entry, desk) for entry in taken]
    passed_over = {number for number, entry in enumerate(taken) if entry.held}
    groups = [entry.subjects for entry in taken]
    resolution = await resolve_subjects(tx, desk.vault, groups, fresh, passed_over)
    for entry, ids in zip(taken, resolution.ids, strict=True):
        if isinstance(ids, Problem):
            entry.problems = (ids,)
        else:
            entry.ids = ids
    for (number, place), others in resolution.unsure.items():
        taken[number].unsure[place] = others
    merging = [entry for entry in taken if entry.goes_on and isinstance(entry.record, SamePerson)]
    wrong = await beyond_jurisdiction(tx, [(entry.reading.sender, entry.ids) for entry in merging])
    for entry, problems in zip(merging, wrong, strict=True):
        entry.problems = problems


def _subjects(entry: Entry, vault: Vault) -> list[Subject]:
    """The people in the order of their mentions, then the dwelling."""
    dwelling = dwelling_of(entry.record)
    subjects = [subject_of_mention(vault, mention, dwelling) for mention in entry.reading.mentions]
    if dwelling is not None and not isinstance(entry.record, Withdrawal):
        subjects.append(subject_of_dwelling(vault, dwelling, entry.record.division_code))
    return subjects


def _state(entry: Entry, now: datetime) -> None:
    """What the record takes back, and what it says now."""
    _say(entry)
    below = entry.record.revision
    if (revision := goes_beyond(entry)) is not None:
        entry.record, entry.held = entry.record.model_copy(update={"revision": revision}), latest_held(entry)
        below = revision - 1
        _say(entry)
    gone = withdrawn_by(entry.sayings, entry.before, entry.record.revision)
    said = tuple(
        say(fact, source="intake", time=now, division=division, cause=entry.record_id, drill=drill)
        for sayings, drill in ((gone, entry.before.drill), (entry.sayings, _is_drill(entry.record)))
        for division, fact in sayings
    )
    entry.events = said + tuple(
        say(each.data, source="intake", time=now, division=each.division, cause=entry.record_id, drill=each.drill)
        for each in taken_back(entry.held, entry.sayings, below)
    )


def _say(entry: Entry) -> None:
    if not isinstance(entry.record, Withdrawal):
        entry.sayings = sayings_of(entry.record, _ids(entry))


def _ids(entry: Entry) -> Ids:
    if entry.follows:
        return Ids(entry.record_id, [entry.about], followed=entry.follows)
    people = len(entry.reading.mentions)
    return Ids(entry.record_id, entry.ids[:people], *entry.ids[people:])


def _told(entry: Entry, after: bytes) -> Told:
    record = None if isinstance(entry.record, Withdrawal) else entry.record
    sender, before = entry.reading.sender, entry.known.said if entry.known else b""
    head = (entry.record_id, entry.record.kind, record, _ids(entry), entry.known is not None, sender.post_id)
    return Told(*head, sender.name, entry.before.division, entry.record.revision, before, after)


def _is_drill(record: Record | Withdrawal) -> bool:
    return not isinstance(record, Withdrawal) and record.drill


def _kept(entry: Entry) -> records.Kept:
    record = entry.record
    division, kind = entry.before.division, _kind_before(entry) or record.kind
    if not isinstance(record, Withdrawal):
        division, kind = record.division_code, record.kind
    said = pack(entry.sayings, _is_drill(record), division, kind)
    besides = sorted(({*entry.ids} | named_in(entry.before.sayings)) - named_in(entry.sayings))
    return records.Kept(
        entry.found_by,
        entry.record_id,
        record.feed,
        record.revision,
        division,
        entry.content_hash,
        said,
        besides,
        record.revised_at,
        record.version,
    )


def _verdict(entry: Entry) -> Verdict:
    word = REJECTED if entry.problems else DUPLICATE if entry.duplicate else ACCEPTED
    head = (entry.record.feed, entry.source_id, entry.found_by, word, entry.record_id or None)
    return Verdict(*head, entry.events, entry.problems, entry.doubts, revision_of(entry.record))


def _unreadable(reading: Reading, desk: Desk) -> Verdict:
    known_sender = reading.feed != UNREADABLE and reading.source_id is not None
    found_by = desk.pepper.found_by(reading.feed, reading.source_id or "") if known_sender else None
    return Verdict(reading.feed, reading.source_id, found_by, REJECTED, problems=reading.problems, at=reading.at)
