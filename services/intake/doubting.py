"""A worker's entries looked at beside what stands around them: what cannot well be is asked, never refused.

In the transaction that admits them, after the roster is kept, so entries of one batch see each other. An answer that
was lost is given again: a duplicate's open questions come with its verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from pydantic_core import from_json

from services.chassis.database import Tx
from services.intake.entry import Entry
from services.intake.problems import Language
from services.intake.records import Withdrawal
from services.intake.rules.doubtful import WAYS, Around, Step, done_at, doubts
from services.intake.rules.households import living_there
from services.intake.rules.mentions import dwelling_of
from services.intake.rules.roster import Register, Resident
from services.intake.rules.traits import birth_date_of
from services.intake.store import doubts as kept
from services.intake.store import people
from services.intake.vault import Vault

_NEAR = max(way for _, way in WAYS)


class _Seen(NamedTuple):
    """What is known around some entries: steps by record, births by person, who lived where."""

    steps: Mapping[tuple[str, bool], Sequence[Step]]
    born: Mapping[str, date]
    residents: Sequence[Resident]
    registers: Sequence[Register]


async def look_again(tx: Tx, now: datetime, vault: Vault, wave: Sequence[Entry]) -> None:
    """Sets the doubts of those entries that a worker made; others are looked at by whoever sends them."""
    own = [entry for entry in wave if entry.reading.sender.post_id and not entry.problems]
    if not own:
        return
    await kept.forget(tx, [entry.record_id for entry in own if entry.goes_on])
    told = [entry for entry in own if entry.goes_on and not isinstance(entry.record, Withdrawal)]
    if told:
        seen = await _see(tx, vault, told)
        await kept.keep(tx, [each for entry in told for each in _doubts(entry, seen, now)])
    waiting = await kept.load_open(tx, [entry.record_id for entry in own])
    for entry in own:
        entry.doubts = waiting.get(entry.record_id, ())


async def _see(tx: Tx, vault: Vault, told: Sequence[Entry]) -> _Seen:
    times = defaultdict[tuple[str, bool], list[datetime]](list)
    for entry in told:
        if (done := done_at(entry.record)) is not None:  # type: ignore[arg-type]
            times[_whose(entry)].append(done[1])
    steps = {whose: await kept.steps_of(tx, *whose, min(ats), max(ats), _NEAR) for whose, ats in times.items()}
    rows = await people.load_persons(tx, {each for entry in told for each in _people(entry)})
    births = {each: birth_date_of(from_json(vault.open(row.sealed, each))) for each, row in rows.items()}
    roster = await kept.roster_of(tx, {each for entry in told if (each := _dwelling(entry))})
    return _Seen(steps, {each: born for each, born in births.items() if born is not None}, *roster)


def _doubts(entry: Entry, seen: _Seen, now: datetime) -> list[kept.Doubt]:
    record = entry.record
    assert not isinstance(record, Withdrawal)  # noqa: S101 - left out by look_again
    steps = seen.steps.get(_whose(entry), ())
    fields = [mention.field for mention in entry.reading.mentions]
    around = Around(
        own=next((each for each in steps if each.record_id == entry.record_id), None),
        others=[each for each in steps if each.record_id != entry.record_id],
        born={f: seen.born[each] for f, each in zip(fields, _people(entry), strict=True) if each in seen.born},
        known=_known(entry, seen),
        named=_people(entry),
    )
    whose, about = entry.reading.sender.post_id, _dwelling(entry) or next(iter(entry.ids), "")
    head = (record.division_code, record.drill, whose, about)
    confirmed = now if record.confirmed else None
    return [
        kept.Doubt(entry.record_id, n, *head, problem, now, confirmed)
        for n, problem in enumerate(doubts(record, around))
    ]


def _known(entry: Entry, seen: _Seen) -> list[str]:
    """Who lived in the dwelling by every other record that was made of it."""
    dwelling, drill = _dwelling(entry), entry.record.drill  # type: ignore[union-attr]

    def beside(row: Resident | Register) -> bool:
        return row.dwelling_id == dwelling and row.record_id != entry.record_id and row.drill <= drill

    registers = list(filter(beside, seen.registers))
    return living_there(filter(beside, seen.residents), registers[-1] if registers else None)


def _whose(entry: Entry) -> tuple[str, bool]:
    return entry.reading.sender.post_id, entry.record.drill  # type: ignore[union-attr]


def _people(entry: Entry) -> Sequence[str]:
    return entry.ids[: len(entry.reading.mentions)]


def _dwelling(entry: Entry) -> str | None:
    """The id, which stands after those of the people."""
    return entry.ids[-1] if dwelling_of(entry.record) is not None else None


async def confirmed_in(tx: Tx, division: str, language: Language, limit: int) -> list[dict[str, Any]]:
    """What workers were asked and said to be so, for the office: ids alone."""
    return [{**row, **problem.told(language)} for row, problem in await kept.load_confirmed(tx, division, limit)]
