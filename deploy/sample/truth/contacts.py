"""Who is a contact of whom, by the facts known at one time (ed. 8; two days before onset or first positive sample)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.sample.steps import STEPS
from deploy.sample.truth.book import Book, Meeting, Said

LOOKBACK = timedelta(days=2)
NEVER = STEPS[-1] + timedelta(days=365)
CASES = ("preliminary_positive", "suspected", "confirmed", "asymptomatic")


@dataclass(frozen=True, slots=True)
class Ill:
    """A person held to be a case. since: from when on an exposure counts; until: isolation; known_at: see `Chain`."""

    since: datetime
    until: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Chain:
    """One way in which a person became a contact. root: the case; met: who was met; known_at: when all was received."""

    root: str
    met: str
    first_at: datetime
    last_at: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Exposed:
    """A contact. found_at: when the first of the chains was complete; linked: who was met last; first_at: met first."""

    category: str
    found_at: datetime
    linked: str
    first_at: datetime

    @classmethod
    def by(cls, category: str, chains: list[Chain]) -> Exposed:
        """A contact by these chains."""
        last = max(chains, key=lambda chain: chain.last_at)
        found_at = min(chain.known_at for chain in chains)
        return cls(category, found_at, last.met, min(chain.first_at for chain in chains))


def classified(book: Book) -> dict[str, str]:
    """The latest classification of each person."""
    latest: dict[str, tuple[datetime, datetime, str]] = {}
    for said, at in _classifications(book):
        newer = (at, said.known_at, str(said.record["classification"]))
        latest[said.who] = max(latest.get(said.who, newer), newer)
    return {person: word for person, (_, _, word) in latest.items()}


def ill_people(book: Book) -> dict[str, Ill]:
    """Everybody who is a case now."""
    known: dict[str, datetime] = {}
    for said, _ in _classifications(book):
        if said.record["classification"] in CASES:
            known[said.who] = min(known.get(said.who, NEVER), said.known_at)
    since = _earliest(_signs(book))
    isolated = _earliest((said.who, said.at("started_at")) for said in book.of("placement") if _in_hospital(said))
    return {
        person: Ill(since[person] - LOOKBACK, isolated.get(person, NEVER), known[person])
        for person, word in classified(book).items()
        if word in CASES
    }


def exposed_people(book: Book) -> dict[str, Exposed]:
    """Every contact: close before secondary before casual."""
    ill = ill_people(book)
    close: dict[str, list[Chain]] = {}
    casual: dict[str, list[Chain]] = {}
    for meeting in book.meetings():
        for case, person in meeting.ends:
            chain = _from_case(meeting, case, ill)
            if chain:
                (casual if meeting.venue_only else close).setdefault(person, []).append(chain)
    placed = _earliest((said.who, said.at("started_at")) for said in book.of("placement"))
    secondary: dict[str, list[Chain]] = {}
    for meeting in book.meetings():
        for contact, person in meeting.ends:
            if contact in close and contact not in ill and not meeting.venue_only:
                chain = _from_contact(meeting, contact, person, close[contact], placed.get(contact, NEVER))
                if chain:
                    secondary.setdefault(person, []).append(chain)
    found: dict[str, Exposed] = {}
    for category, chains in (("casual", casual), ("secondary", secondary), ("close", close)):
        found |= {person: Exposed.by(category, its) for person, its in chains.items()}
    return found


def _classifications(book: Book) -> Iterable[tuple[Said, datetime]]:
    yield from ((said, said.at("found_at")) for said in book.of("case-finding"))
    yield from ((said, said.at("classified_at")) for said in book.of("case-classification"))


def _signs(book: Book) -> Iterable[tuple[str, datetime]]:
    """Every instant from which two days are counted back: onset, positive sample, finding."""
    for said in book.of("case-finding"):
        yield from ((said.who, said.at(name)) for name in ("found_at", "onset_at") if name in said.record)
    yield from ((said.who, said.at("sampled_at")) for said in book.of("test") if said.record["result"] == "positive")


def _earliest(instants: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    for person, at in instants:
        first[person] = min(first.get(person, at), at)
    return first


def _in_hospital(said: Said) -> bool:
    return bool(said.record["mode"] == "hospital")


def _from_case(meeting: Meeting, case: str, ill: Mapping[str, Ill]) -> Chain | None:
    its = ill.get(case)
    if its is None or meeting.last_at < its.since or meeting.first_at > its.until:
        return None
    first_at, last_at = max(meeting.first_at, its.since), min(meeting.last_at, its.until)
    return Chain(case, case, first_at, last_at, max(meeting.known_at, its.known_at))


def _from_contact(meeting: Meeting, contact: str, person: str, close: list[Chain], placed_at: datetime) -> Chain | None:
    """Whoever met a close contact after that one's exposure to a case other than the person."""
    others = [chain for chain in close if chain.root != person]
    if not others:
        return None
    first_at = max(meeting.first_at, min(chain.first_at for chain in others))
    last_at = min(meeting.last_at, placed_at)
    if last_at < first_at:
        return None
    earliest = min(others, key=lambda chain: chain.known_at)
    return Chain(earliest.root, contact, first_at, last_at, max(meeting.known_at, earliest.known_at))
