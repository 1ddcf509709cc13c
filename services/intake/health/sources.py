"""Sources: what is one sender's own, a TOML file each in the folder that GRIDWARD_SOURCES names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.divisions import Divisions
from contracts.events.cases import FoundHow
from contracts.events.vaccinations import Vaccine
from services.chassis.errors import WrongSettings
from services.intake.fields import Feed
from services.intake.health.codes import CodeLists
from services.intake.problems import Language
from services.intake.sender import Sender

_VILLAGE, _GRID = 12, 15


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hl7(_Part):
    """senders: MSH-3 and MSH-4 by which a message is known. addresses: networks from which MLLP is taken."""

    senders: tuple[tuple[str, str], ...] = ()
    addresses: tuple[str, ...] = ()

    @field_validator("addresses")
    @classmethod
    def _networks(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for each in addresses:
            ip_network(each)
        return addresses


class Source(_Part):
    """One sender of the health system.

    division_code: where it lies, and where whoever's address has no code is recorded. divisions: what it may record by
    MLLP and Kafka, which know no key. institution: its name in clocks. found_how: how cases come to light there.
    id_numbers: assigning authorities, types and systems of identification numbers, beside the common ones. places:
    wards, facilities -> division. tests, results, diagnoses, vaccines: its own codes and words -> those of `lists`.
    """

    feed: Feed
    division_code: str
    divisions: tuple[str, ...] = ()
    institution: str = Field(min_length=1, max_length=64)
    zone: str = "Asia/Shanghai"
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    language: Language = "zh"
    found_how: FoundHow = FoundHow.FEVER_CLINIC
    hl7: Hl7 = Hl7()
    topics: tuple[str, ...] = ()
    id_numbers: tuple[str, ...] = ()
    places: Mapping[str, str] = {}
    tests: Mapping[str, Literal["rna", "target", "ct"]] = {}
    results: Mapping[str, Literal["positive", "negative", "inconclusive"]] = {}
    diagnoses: Mapping[str, str] = {}
    vaccines: Mapping[str, Vaccine] = {}

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError):
            raise ValueError("no such zone; for example Asia/Shanghai") from None
        return zone

    @cached_property
    def tz(self) -> tzinfo:
        return ZoneInfo(self.zone)

    @cached_property
    def codes(self) -> CodeLists:
        """What is meant by its codes and words."""
        return CodeLists.of(self.tests, self.results, self.diagnoses, self.vaccines)

    @property
    def sender(self) -> Sender:
        """Who sends where no key or token is asked for."""
        return Sender(f"source {self.feed}", self.divisions or (self.division_code,), self.feed)

    def facility(self, named: str) -> str:
        """The sending facility as its HL7 v2 names it: the one named where it is one of those, else its only one."""
        known = {facility for _, facility in self.hl7.senders}
        return next(iter(known)) if len(known) == 1 and named not in known else named

    def division(self, codes: Iterable[str]) -> str:
        """The first of the codes or names of places that means a division, else the source's own.

        A grid's is one whose village is known; whether there is the grid, the door says.
        """
        divisions = Divisions.load()
        for each in codes:
            if found := self.places.get(each):
                return found
            if each.isdigit() and each.isascii() and divisions.knows(each[:_VILLAGE] if len(each) == _GRID else each):
                return each
        return self.division_code


class Sources:
    """All that are known."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self.all = tuple(sources)
        self._by_feed = {source.feed: source for source in self.all}
        self._by_sender = {pair: source for source in self.all for pair in source.hl7.senders}

    def of_feed(self, feed: str | None) -> Source | None:
        return self._by_feed.get(feed or "")

    def of_sender(self, application: str, facility: str) -> Source | None:
        """By MSH-3 and MSH-4."""
        return self._by_sender.get((application, facility))

    def of_key(self, sender: Sender) -> Source | None:
        """The source of an API key's feed; one without a file lies in the key's first division."""
        known = self.of_feed(sender.feed)
        if known or sender.feed is None:
            return known
        return Source(feed=sender.feed, division_code=sender.divisions[0], institution=sender.feed)

    def may_speak_mllp(self, source: Source, address: str) -> bool:
        """Whether MLLP is taken from this address."""
        return any(ip_address(address) in ip_network(each) for each in source.hl7.addresses)


def load_sources(folder: str | None) -> Sources:
    """Every TOML file of the folder. Raises WrongSettings."""
    if not folder:
        return Sources()
    if not Path(folder).is_dir():
        raise WrongSettings(f"GRIDWARD_SOURCES: {folder!r} is no folder: give one that holds a TOML file a source")
    sources = [_load(path) for path in sorted(Path(folder).glob("*.toml"))]
    for what, names in {
        "feed": [source.feed for source in sources],
        "HL7 sender": [pair for source in sources for pair in source.hl7.senders],
        "topic": [topic for source in sources for topic in source.topics],
    }.items():
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):  # type: ignore[attr-defined]
            raise WrongSettings(f"GRIDWARD_SOURCES: two files have the {what} {', '.join(twice)}: leave it in one")
    return Sources(sources)


def _load(path: Path) -> Source:
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        source = Source.model_validate(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSettings(f"GRIDWARD_SOURCES: {path.name} is no TOML file: {error}") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise WrongSettings(f"GRIDWARD_SOURCES: {path.name}: {wrong}") from None
    unknown = {source.division_code, *source.divisions, *source.places.values()} - {""}
    if unknown := {code for code in unknown if len(code) <= 12 and not Divisions.load().knows(code)}:
        raise WrongSettings(f"GRIDWARD_SOURCES: {path.name}: no such division: {', '.join(sorted(unknown))}")
    return source
