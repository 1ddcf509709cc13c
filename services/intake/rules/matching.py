"""Whether two who are named without a document or reference in common are one person: a score, and why.

Certain only where the whole name and the birth date are equal and a telephone or a dwelling as well: one telephone
serves a family, twins share all but the given name, father and son may share name and address. All else that speaks
for it is for people to look at. The weights are house settings; the table of cases in the tests is what they must do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from services.intake.rules.names import Alike, alike


class Verdict(StrEnum):
    """SAME: taken for that person. UNSURE: a new person, and people are asked. OTHER: a new person."""

    SAME = "same"
    UNSURE = "unsure"
    OTHER = "other"


@dataclass(frozen=True)
class Traits:
    """What is known of somebody beside keys, each in its one way of writing; empty where nothing is.

    phones, dwellings: all ever named. documents: for life, kind -> numbers; two of one kind are two people.
    """

    name: str = ""
    birth_date: date | None = None
    sex: str = ""
    phones: frozenset[str] = frozenset()
    dwellings: frozenset[str] = frozenset()
    documents: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Likeness(NamedTuple):
    """score: 0 to 100. evidence: the words for what agrees and what does not."""

    verdict: Verdict
    score: int
    evidence: tuple[str, ...]


NAME = {
    Alike.EQUAL: 40, Alike.ROMANISED: 35, Alike.ORDER: 30, Alike.UNWRITTEN: 30, Alike.HOMOPHONE: 30, Alike.NEAR: 10,
    Alike.DIFFERS: -60,
}  # fmt: skip
BIRTH = {"birth_equal": 30, "birth_swapped": 20, "birth_near": 15, "birth_differs": -40}
PHONE, DWELLING, OTHER_SEX = 20, 15, -40
UNSURE_FROM = 55


def likeness(one: Traits, other: Traits) -> Likeness:
    """Symmetric. The evidence names which traits speak for and against, never the traits themselves."""
    if not one.name or not other.name or _contradict(one, other):
        return Likeness(Verdict.OTHER, 0, ())
    names, birth = alike(one.name, other.name), _birth(one.birth_date, other.birth_date)
    evidence = [names.value]
    score = NAME[names] + BIRTH.get(birth, 0)
    for word, points, holds in (
        (birth, 0, bool(birth)),
        ("phone_equal", PHONE, bool(one.phones & other.phones)),
        ("dwelling_equal", DWELLING, bool(one.dwellings & other.dwellings)),
        ("sex_differs", OTHER_SEX, bool(one.sex and other.sex and one.sex != other.sex)),
    ):
        if holds:
            evidence.append(word)
            score += points
    score = max(0, min(100, score))
    return Likeness(_verdict(evidence, score), score, tuple(evidence))


def _verdict(evidence: Sequence[str], score: int) -> Verdict:
    certain = {Alike.EQUAL.value, "birth_equal"} <= {*evidence} and {"phone_equal", "dwelling_equal"} & {*evidence}
    if certain and "sex_differs" not in evidence:
        return Verdict.SAME
    return Verdict.UNSURE if score >= UNSURE_FROM else Verdict.OTHER


def _contradict(one: Traits, other: Traits) -> bool:
    kinds = one.documents.keys() & other.documents.keys()
    return any(one.documents[kind].isdisjoint(other.documents[kind]) for kind in kinds)


def _birth(one: date | None, other: date | None) -> str:
    if one is None or other is None:
        return ""
    if one == other:
        return "birth_equal"
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return "birth_swapped"
    return "birth_near" if _near(one, other) else "birth_differs"


def _near(one: date, other: date) -> bool:
    """A day beside it, or one digit mistyped: as good as never father and son, or two children of one mother."""
    if abs(one - other) <= timedelta(days=1):
        return True
    return sum(a != b for a, b in zip(one.isoformat(), other.isoformat(), strict=True)) == 1 and not _a_generation(
        one, other
    )


def _a_generation(one: date, other: date) -> bool:
    return abs(one.year - other.year) >= 10


def best(found: Mapping[str, Likeness]) -> tuple[str | None, dict[str, Likeness]]:
    """Of all who were looked at: the one taken for the same, and those to be asked about (at most three).

    Two who are both certain are none: then people are asked about both.
    """
    same = [who for who, each in found.items() if each.verdict is Verdict.SAME]
    if len(same) == 1:
        return same[0], {}
    asked = [(who, each) for who, each in found.items() if each.verdict is not Verdict.OTHER]
    return None, dict(sorted(asked, key=lambda pair: (-pair[1].score, pair[0]))[:3])
