"""The fence: which records of one lane are taken, by numbers without holes. Pure; `once.py` keeps what it says.

Every record of a numbered topic carries the header `n` = epoch.source.number. An offset never drops such a record: it
only shows that a batch begins too high (a jump), since the numbers of a lane cannot show what was never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeVar


class Record(Protocol):
    """What the fence needs of `aiokafka.ConsumerRecord`."""

    @property
    def offset(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


R = TypeVar("R", bound=Record)


class Number(NamedTuple):
    """Place of a record in its lane. source: which database gave the number; two in one epoch are a mistake."""

    epoch: int
    source: str
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.source}.{self.number}"

    @classmethod
    def of(cls, headers: Sequence[tuple[str, bytes | None]]) -> Number | None:
        """The number in a record's headers; None when there is none that can be read. Raises nothing."""
        for name, value in headers:
            if name == "n" and value is not None:
                try:
                    epoch, source, number = value.split(b".")
                    return cls(int(epoch), source.decode("ascii"), int(number))
                except ValueError:
                    return None
        return None


@dataclass(frozen=True)
class Position:
    """How far a lane is applied; a row of `positions`. epoch 0: nothing was read yet."""

    topic: str
    partition: int
    next_offset: int = 0
    epoch: int = 0
    source: str = ""
    last: int = 0

    @property
    def lane(self) -> tuple[str, int]:
        return self.topic, self.partition


class Above(NamedTuple):
    """The batch begins above the stored offset: nothing of it is taken; seek."""

    seek_to: int


class Gap(NamedTuple):
    """Numbers are missing: what came before is kept; seek, and stop when the same gap comes again."""

    seek_to: int
    text: str


class OtherSource(NamedTuple):
    """Two databases number one lane in one epoch: what came before is kept; stop."""

    seek_to: int
    text: str


Problem = Above | Gap | OtherSource


@dataclass
class Judged(Generic[R]):
    """What becomes of one lane's records. taken: the next numbers, in order; foreign: records without a number.

    position: as it stands when the taken are applied. old_epochs must stay 0 outside restores.
    """

    position: Position
    taken: list[R] = field(default_factory=list)
    foreign: list[R] = field(default_factory=list)
    repeats: int = 0
    old_epochs: int = 0
    problem: Problem | None = None


class _Met(Enum):
    TAKEN, REPEAT, OLD, GAP, OTHER = range(5)


class _Walk:
    """The numbers of one lane, one after the other."""

    def __init__(self, stored: Position, trimmed: bool) -> None:
        self.epoch, self.source, self.last = stored.epoch, stored.source, stored.last
        self._trimmed = trimmed  # a new consumer takes the first number of a trimmed log as it comes

    def meet(self, number: Number) -> _Met:
        if number.epoch < self.epoch:
            return _Met.OLD
        if number.epoch > self.epoch:
            if number.number != 1 and not (self._trimmed and self.epoch == 0):
                return _Met.GAP
        elif number.source != self.source:
            return _Met.OTHER
        elif number.number <= self.last:
            return _Met.REPEAT
        elif number.number != self.last + 1:
            return _Met.GAP
        self.epoch, self.source, self.last = number
        return _Met.TAKEN


def judge(stored: Position, records: Sequence[R], log_start: int = 0) -> Judged[R]:
    """Judge records of one lane, ascending by offset, against its stored position.

    log_start: the offset at which the log is known to begin (retention may have cut it); 0 while nobody asked.
    """
    judged: Judged[R] = Judged(stored)
    if records[0].offset > max(stored.next_offset, log_start):
        judged.problem = Above(stored.next_offset)
        return judged
    if _go_on(stored, records):
        last = stored.last + len(records)
        return Judged(replace(stored, next_offset=records[-1].offset + 1, last=last), list(records))
    return _walked(stored, records, log_start)


def _go_on(stored: Position, records: Sequence[R]) -> bool:
    """Whether the numbers of these are simply the next ones, as the relay writes them: nearly always, and soon seen."""
    begin, first = f"{stored.epoch}.{stored.source}.".encode(), stored.last + 1
    numbers = range(first, first + len(records))
    return [record.headers for record in records] == [(("n", b"%b%d" % (begin, number)),) for number in numbers]


def _walked(stored: Position, records: Sequence[R], log_start: int) -> Judged[R]:
    """One number after the other; what holds whatever they are."""
    judged: Judged[R] = Judged(stored)
    walk, done = _Walk(stored, log_start > stored.next_offset), stored.next_offset - 1
    for record in records:
        number = Number.of(record.headers)
        met = walk.meet(number) if number else None
        if number and met in (_Met.GAP, _Met.OTHER):
            judged.problem = _problem(stored, walk, number, met, record.offset)
            break
        _sort(judged, record, met)
        done = record.offset
    if not (judged.taken or judged.foreign):
        done = max(done, stored.next_offset - 1)  # repeats alone never move an offset back
    judged.position = replace(stored, next_offset=done + 1, epoch=walk.epoch, source=walk.source, last=walk.last)
    if judged.problem is not None:
        judged.problem = judged.problem._replace(seek_to=done + 1)
    return judged


def _sort(judged: Judged[R], record: R, met: _Met | None) -> None:
    if met is _Met.TAKEN:
        judged.taken.append(record)
    elif met is _Met.REPEAT:
        judged.repeats += 1
    elif met is _Met.OLD:
        judged.old_epochs += 1
    elif record.offset >= judged.position.next_offset:
        judged.foreign.append(record)


def _problem(stored: Position, walk: _Walk, number: Number, met: _Met | None, offset: int) -> Problem:
    lane = f"{stored.topic}/{stored.partition}"
    if met is _Met.OTHER:
        return OtherSource(
            0,
            f"{lane} is numbered by two databases in epoch {number.epoch}: {walk.source} and, at offset {offset}, "
            f"{number.source}. Stop the one that is not the true one, then run `gridward new-epoch` on the other",
        )
    first = walk.last + 1 if number.epoch == walk.epoch else 1
    missing = f"number {first}" if number.number == first + 1 else f"numbers {first}-{number.number - 1}"
    return Gap(
        0,
        f"{missing} of {lane} (epoch {number.epoch}) missing before offset {offset}: the log lost records or was made "
        "again. Put it back, or restore the service that said them and run `gridward new-epoch` there; then restart",
    )
