"""The records as their senders send them, each to one step, each with the verdict that the door must give."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from deploy.sample.people import Record
from deploy.sample.steps import STEPS

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


class Verdict(StrEnum):
    """What the door answers to a record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(slots=True)
class Sent:
    """One record on its way; step is the index of the instant at which it is received, made at which it was written."""

    step: int
    record: Record
    verdict: Verdict = Verdict.ACCEPTED
    made: int = 0
    _statement: tuple[str, str] | None = None

    @property
    def feed(self) -> str:
        return str(self.record["feed"])

    @property
    def kind(self) -> str:
        return str(self.record["kind"])

    @property
    def statement(self) -> tuple[str, str]:
        """What a correction of this record shares with it."""
        if self._statement is None:
            own = self.record.get("source_id") or json.dumps(self.record, sort_keys=True)
            self._statement = self.feed, str(own)
        return self._statement

    def forget_statement(self) -> None:
        """The record goes by another feed now."""
        self._statement = None


@dataclass
class Mail:
    """Everything that is sent, in the order of sending within each step and feed."""

    sent: list[Sent] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    def send(self, step: int, feed: str, kind: str, division: str, *, numbered: bool = True, **fields: Any) -> Sent:
        """A new record. numbered: with an id of the sender's own; without, its content is its id."""
        record: Record = {"feed": feed}
        if numbered:
            self.numbers[feed] += 1
            record["source_id"] = f"{feed}-{self.numbers[feed]:06d}"
        record |= {"kind": kind, "division_code": division}
        record |= {name: _written(value) for name, value in fields.items() if value is not None}
        return self._add(Sent(step, record))

    def correct(self, first: Sent, step: int, **changes: Any) -> Sent:
        """The same statement again, changed, with the next revision."""
        changed = {name: _written(value) for name, value in changes.items()}
        revision = first.record.get("revision", 1) + 1
        return self._add(Sent(step, first.record | changed | {"revision": revision}))

    def withdraw(self, first: Sent, step: int) -> Sent:
        """It was not so."""
        return self.correct(first, step, withdrawn=True)

    def repeat(self, first: Sent, step: int) -> Sent:
        """The very same record once more: the sender was not sure that it had arrived."""
        return self._add(Sent(step, first.record, Verdict.DUPLICATE))

    def refuse(self, step: int, record: Record) -> Sent:
        """A record that the door must reject."""
        return self._add(Sent(step, record, Verdict.REJECTED))

    def _add(self, sent: Sent) -> Sent:
        self.sent.append(sent)
        return sent

    def by_step(self) -> Iterator[list[Sent]]:
        """For every step what is received at it, feed by feed, as the player sends it."""
        steps: list[dict[str, list[Sent]]] = [{} for _ in STEPS]
        for sent in self.sent:
            steps[sent.step].setdefault(sent.feed, []).append(sent)
        for feeds in steps:
            yield [sent for feed in sorted(feeds) for sent in feeds[feed]]


Writing = Callable[[str, Sequence[Sent]], tuple[str, bytes]]
"""A feed and what it sends at a step -> the suffix of its file, and the content."""


def as_records(feed: str, received: Sequence[Sent]) -> tuple[str, bytes]:
    """NDJSON, whatever the feed."""
    return ".ndjson", _lines(sent.record for sent in received).encode()


def write_feeds(mail: Mail, folder: Path, writing: Writing = as_records) -> list[list[str]]:
    """One file a step and feed. Returns for every step its files, relative to the folder's parent."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for at, received in zip(STEPS, mail.by_step(), strict=True):
        by_feed: dict[str, list[Sent]] = {}
        for sent in received:
            by_feed.setdefault(sent.feed, []).append(sent)
        names = []
        for feed, its in by_feed.items():
            suffix, content = writing(feed, its)
            names.append(f"{folder.name}/{at:%m%d-%H%M}-{feed}{suffix}")
            (folder.parent / names[-1]).write_bytes(content)
        files.append(names)
    return files


def _lines(records: Iterable[Record]) -> str:
    return "".join(f"{_ENCODE(record)}\n" for record in records)


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
