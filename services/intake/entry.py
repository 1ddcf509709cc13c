"""A record on its way through admission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.envelope import Event, Fact
from services.intake.identity import Subject
from services.intake.problems import Problem
from services.intake.reading import Reading
from services.intake.records import Record, Withdrawal
from services.intake.rules.matching import Likeness
from services.intake.rules.recognise import Known, Said
from services.intake.rules.statements import Saying

_NOTHING = Said((), drill=False)
_MERGE = "same-person"


@dataclass
class Entry:
    """A record on its way to its verdict. before: what it said until now; held: what the log alone knows of it under
    the revision that it has, beyond: under any.

    follows: of a step, the id of the record that it follows, follows_by: what that one is found by, where its sender
    named it so; about: whom that one is about.
    """

    reading: Reading
    record: Record | Withdrawal
    source_id: str
    found_by: bytes
    content_hash: bytes
    record_id: str = ""
    problems: tuple[Problem, ...] = ()
    duplicate: bool = False
    known: Known | None = None
    before: Said = _NOTHING
    subjects: Sequence[Subject] = ()
    held: Sequence[Event[Fact]] = ()
    beyond: Sequence[Event[Fact]] = ()
    ids: Sequence[str] = ()
    unsure: dict[int, Mapping[str, Likeness]] = field(default_factory=dict)
    sayings: Sequence[Saying] = ()
    events: tuple[Event[Any], ...] = ()
    doubts: Sequence[Problem] = ()
    follows: str = ""
    follows_by: bytes = b""
    about: str = ""

    @property
    def goes_on(self) -> bool:
        """Neither rejected nor a duplicate."""
        return not self.problems and not self.duplicate


def waves_of(entries: Sequence[Entry], ids: Mapping[bytes | str, str]) -> Iterator[list[Entry]]:
    """Cut so that no wave holds two entries of one record, nor a step beside what it follows, or another step of it.

    A merge, or one taken back, parts what comes before it from what comes after, which may name its two ids. Later ones
    then see what the earlier ones stored. ids: of records known, by which a step may name what it follows.
    """
    left = [entry for entry in entries if not entry.problems]
    while left:
        wave, later, seen, merged = list[Entry](), list[Entry](), set[bytes | str](), False
        for entry in left:
            its = {entry.found_by, entry.follows_by or entry.found_by, entry.follows or entry.found_by}
            its |= {ids[each] for each in its if each in ids}
            merges = entry.record.kind == _MERGE
            beside = not later if merges else not merged
            (wave if seen.isdisjoint(its) and beside else later).append(entry)
            seen |= its
            merged = merged or merges
        yield wave
        left = later
