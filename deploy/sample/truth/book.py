"""What the senders had said by a step: each statement in its highest revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from deploy.sample.mail import Sent, Verdict
from deploy.sample.people import Record
from deploy.sample.steps import STEPS


class StoryError(ValueError):
    """The sample is not what it should be: what comes of it would depend on who is quicker. Change the story."""


@dataclass(slots=True)
class Said:
    """A statement. known_at: when it was first received, whatever its revision then."""

    record: Record
    known_at: datetime

    @property
    def who(self) -> str:
        """The person whom the record is about, by number or reference."""
        return who(self.record)

    def at(self, name: str) -> datetime:
        """A field that is an instant."""
        return datetime.fromisoformat(self.record[name])


@dataclass(frozen=True, slots=True)
class Meeting:
    """An exposure, as often as it is asked for. It has no direction: who exposed whom follows from who is a case."""

    ends: tuple[tuple[str, str], tuple[str, str]]
    venue_only: bool
    first_at: datetime
    last_at: datetime
    known_at: datetime

    @classmethod
    def of(cls, said: Said) -> Meeting:
        """Read a record of the kind exposure."""
        one, other = said.who, str(said.record["other"]["id_number"])
        ends = ((one, other), (other, one))
        return cls(ends, said.record["way"] == "shared_venue", said.at("first_at"), said.at("last_at"), said.known_at)


def who(record: Record) -> str:
    """The number, or where there is none the reference, of the person in a record or a part of one."""
    person = record.get("person")
    return str(person["id_number"] if person else record["person_ref"])


@dataclass
class Book:
    """Statements by kind. homes: the grid in which each person lives; people: everybody named in what was accepted.

    kept: who is said to be the same as somebody else -> that one, under whose name everything is read.
    """

    kinds: dict[str, dict[tuple[str, str], Said]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    people: dict[str, bool] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    _read_as_kept: set[str] = field(default_factory=set)
    _meetings: dict[tuple[str, str], Meeting] = field(default_factory=dict)

    def take(self, sent: Sent) -> None:
        """A record is received. Only what the door accepts counts, and no revision below one that it has."""
        if sent.verdict is not Verdict.ACCEPTED:
            return
        if sent.kind == "same-person":
            self._take_as_one(sent.record)
            return
        record = self._under_the_kept(sent.record)
        self._meet(record)
        statements = self.kinds.setdefault(sent.kind, {})
        held = statements.get(sent.statement)
        if held and held.record.get("revision", 1) >= record.get("revision", 1):
            return
        said = statements[sent.statement] = Said(record, held.known_at if held else STEPS[sent.step])
        if sent.kind == "exposure":
            self._meetings[sent.statement] = Meeting.of(said)
            if record.get("withdrawn"):
                del self._meetings[sent.statement]

    def _take_as_one(self, record: Record) -> None:
        """Two are one, or two again. It must be said before anything depends on it."""
        kept, other = who(record["kept"]), who(record["other"])
        if other in self.people or other in self._read_as_kept:
            raise StoryError(f"{other} was spoken of before it was settled who that is: let it be said earlier")
        if record.get("withdrawn"):
            del self.kept[other]
        else:
            self.kept[other] = kept

    def _under_the_kept(self, record: Record) -> Record:
        """The record with the names of those who are kept."""
        if not self.kept:
            return record
        named = self._named(record)
        if "members" in record:
            named = named | {"members": [self._named(member) for member in record["members"]]}
        return named

    def _named(self, part: Record) -> Record:
        if "person" not in part and "person_ref" not in part:
            return part
        kept = self.kept.get(name := who(part))
        if kept is None:
            return part
        self._read_as_kept.add(name)
        return {key: value for key, value in part.items() if key != "person_ref"} | {"person": {"id_number": kept}}

    def meetings(self) -> Iterable[Meeting]:
        """Every exposure that is not withdrawn."""
        return self._meetings.values()

    def of(self, kind: str) -> Iterator[Said]:
        """What is said of a kind and not withdrawn."""
        return (said for said in self.kinds.get(kind, {}).values() if not said.record.get("withdrawn"))

    def _meet(self, record: Record) -> None:
        if record["kind"] == "lead":  # it says where to look, not where the person lives
            self.people.setdefault(who(record), False)
        elif "person" in record or "person_ref" in record:
            self._lives(who(record), record["division_code"])
        if "other" in record:
            self._lives(record["other"]["id_number"], record["other_division_code"])
        for member in record.get("members", ()):
            self._lives(who(member), member.get("division_code", record["division_code"]))

    def _lives(self, person: str, division: str) -> None:
        self.people.setdefault(person, person.startswith("infant"))
        if self.homes.setdefault(person, division) != division:
            raise StoryError(f"{person} lives in {self.homes[person]} and in {division}: let nobody move")
