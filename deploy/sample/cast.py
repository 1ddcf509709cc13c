"""Who plays what: each person at most one part, so that the totals come out exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random

from deploy.sample.people import Household, Person, Registry
from deploy.sample.scripts import Script, scripts_for
from deploy.sample.steps import march, step_at

EARLY = march(5, "12:05")
"""Contacts come from households canvassed by then: later they are no longer at home."""
_NEAR = 0.7


class Role(StrEnum):
    """What the rules must make of a meeting in the end."""

    CLOSE = "close"
    INFECTED = "close, and a case later"
    SECONDARY = "secondary"
    CONVERT = "secondary, then close when the contact became a case"
    RING = "secondary through one who became close"
    CASUAL = "casual"
    DECOY = "met before the window: nothing"
    FALSE_CLOSE = "close to a suspect who was excluded: nothing"
    FALSE_SECONDARY = "secondary through such a one: nothing"
    MISDATED = "corrected out of the window: nothing"
    TAKEN_BACK = "withdrawn: nothing"


@dataclass(slots=True, eq=False)
class Case:
    """One person who is, or for a while seemed, a case. infected: the meeting that made a contact of this person."""

    script: Script
    person: Person
    infected: Contact | None = None

    @property
    def found(self) -> int:
        return step_at(self.script.found)


@dataclass(slots=True, eq=False)
class Contact:
    """A meeting of two people. named: the step at which investigators name it.

    found: the step at which it can first be known what it means; turned: the step at which a secondary contact
    becomes a close one; wave: number among the contacts of the same case.
    """

    person: Person
    other: Person
    case: Case
    role: Role
    way: str
    first_at: datetime
    last_at: datetime
    named: int
    found: int
    turned: int | None = None
    wave: int = 0


@dataclass
class Cast:
    """Draws people from the early households, each once."""

    rng: Random
    registry: Registry
    homes: dict[str, Household] = field(default_factory=dict)
    pools: dict[str, list[Person]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, households: Sequence[Household], registry: Registry, rng: Random) -> Cast:
        """Everybody with a number in the early households, shuffled county by county."""
        cast = cls(rng, registry)
        for home in households:
            if home.visited_at and home.visited_at <= EARLY:
                for person in home.members:
                    if person.id_number:
                        cast.homes[person.id_number] = home
                        cast.pools.setdefault(person.county, []).append(person)
        for county in sorted(cast.pools):
            rng.shuffle(cast.pools[county])
        return cast

    def draw(self, county: str) -> Person:
        """Someone without a part, mostly from the county. Raises LookupError when all have one."""
        counties = sorted(self.pools)
        first = county if self.rng.random() < _NEAR else self.rng.choice(counties)
        for pool in (self.pools[code] for code in (first, *counties)):
            while pool:
                person = pool.pop()
                if person.id_number not in self.busy:
                    return self.take(person)
        raise LookupError("everybody has a part already: raise the share of households canvassed early")

    def take(self, person: Person) -> Person:
        """Give a part to this very person."""
        self.busy.add(person.id_number)
        return person

    def relative(self, person: Person) -> Person | None:
        """Someone of the same household without a part."""
        members = self.homes[person.id_number].members if person.id_number in self.homes else []
        free = (member for member in members if member.id_number and member.id_number not in self.busy)
        found = next(free, None)
        return self.take(found) if found else None

    def stranger(self, grid: str) -> Person:
        """Someone new whom no grid worker met: already in hospital when the household was canvassed."""
        return self.take(self.registry.person(grid, adult=True))

    def feverish_at_the_door(self, county: str) -> Person:
        """A grown-up of a household whose visit is put at the hour of the script."""
        home = next(
            home
            for home in self.homes.values()
            if home.grid.startswith(county) and home.members[0].id_number not in self.busy
        )
        home.visited_at, home.channel = march(5, "09:20"), "visit"
        return self.take(home.members[0])


def find_cases(confirmed: int, cast: Cast, grids: Sequence[str]) -> list[Case]:
    """The cases that are infected in the community; those found under control follow from the meetings."""
    cases = []
    for script in scripts_for(confirmed):
        if script.source:
            continue
        if script.key == "at_the_door":
            person = cast.feverish_at_the_door(script.county)
        elif script.key == "round_one":
            person = cast.draw(script.county)
        else:
            person = cast.stranger(cast.rng.choice([grid for grid in grids if grid.startswith(script.county)]))
        cases.append(Case(script, person))
    return cases
