"""Made people in made households. Numbers have a right check digit and a division that exists nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

Record = dict[str, Any]

NOWHERE = "330499"
"""The division of every number: no such county exists, so no such number does."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗"
_GIVEN = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"
_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4, 5, 6), (25, 35, 24, 11, 4, 1)
_PHONES = 10_000
_TODAY = date(2022, 3, 5)
_INFANT_YEARS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Known to the senders by id_number, or (infants without papers) by ref alone. grid: where the person lives."""

    id_number: str
    ref: str
    name: str
    sex: str
    birth_date: date
    phone: str
    grid: str

    @property
    def county(self) -> str:
        return self.grid[:6]

    @property
    def age(self) -> int:
        """Full years on 5 March 2022."""
        born = self.birth_date
        return _TODAY.year - born.year - ((_TODAY.month, _TODAY.day) < (born.month, born.day))

    def in_full(self) -> Record:
        """The person as a grid worker writes it."""
        if not self.id_number:
            return {"person_ref": self.ref}
        said = {"id_number": self.id_number, "name": self.name, "phone": self.phone, "sex": self.sex}
        return {"person": {k: v for k, v in said.items() if v} | {"birth_date": self.birth_date.isoformat()}}

    def in_short(self) -> Record:
        """The person as an institution writes it that only has the number."""
        return {"person": {"id_number": self.id_number}} if self.id_number else {"person_ref": self.ref}

    def named(self) -> Record:
        """Number and name: what an investigator writes down of either side of a meeting."""
        return {"id_number": self.id_number, "name": self.name}


@dataclass(slots=True, eq=False)
class Household:
    """One dwelling, its members, and when and how it is canvassed."""

    ref: str
    grid: str
    address: str
    members: list[Person]
    visited_at: datetime | None = None
    channel: str = "visit"


def with_check_digit(first17: str) -> str:
    """18 characters by GB 11643: the last makes the weighted sum right."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return first17 + "10X98765432"[total % 11]


@dataclass
class Registry:
    """Makes people, none twice. infants counts those without papers."""

    rng: Random
    households: int
    born: Counter[date] = field(default_factory=Counter)
    infants: int = 0
    phones: int = 0

    def person(self, grid: str, *, adult: bool = False, phone: bool = False) -> Person:
        """A new person who lives in a grid."""
        sex = self.rng.choice("FM")
        years = self.rng.randint(20, 85) if adult else self.rng.randint(0, 90)
        birth = _TODAY - timedelta(days=years * 365 + self.rng.randint(1, 364))
        name = self.rng.choice(_SURNAMES) + "某" + self.rng.choice(_GIVEN)
        if years < _INFANT_YEARS and self.rng.random() < 0.5:
            self.infants += 1
            return Person("", f"infant-{self.infants:05d}", name, sex, birth, "", grid)
        self.born[birth] += 1
        order = self.born[birth] * 2 - (sex == "M")
        number = with_check_digit(f"{NOWHERE}{birth:%Y%m%d}{order:03d}")
        return Person(number, "", name, sex, birth, self._phone() if phone else "", grid)

    def _phone(self) -> str:
        """While they last: 199 0000 0000 to 199 0000 9999."""
        self.phones += 1
        return f"1990000{self.phones - 1:04d}" if self.phones <= _PHONES else ""

    def household(self, number: int, grid: str, village_name: str) -> Household:
        """A new household; its first member is grown up and may have a phone."""
        size = self.rng.choices(_SIZES, _SIZE_WEIGHTS)[0]
        every = -(-self.households // _PHONES)
        first = self.person(grid, adult=True, phone=number % every == 0)
        others = [self.person(grid) for _ in range(size - 1)]
        return Household(f"dwelling-{number:06d}", grid, f"{village_name}{number}号", [first, *others])


def settle(registry: Registry, grids: Sequence[str], names: Any, rng: Random) -> list[Household]:
    """The households: most of them evenly over the grids, the others by chance."""
    shuffled = list(grids)
    rng.shuffle(shuffled)
    evenly = registry.households * 3 // 5
    homes = []
    for number in range(registry.households):
        grid = shuffled[number % len(shuffled)] if number < evenly else rng.choice(shuffled)
        homes.append(registry.household(number, grid, names[grid[:12]]))
    return homes
