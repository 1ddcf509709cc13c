"""Who answers for what at an instant: assignments many-to-many, with validity, and hand-overs that move them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.rules.roster import Assigned, Handed


def valid(assigned: Assigned, at: datetime) -> bool:
    """Whether somebody is bound by it at that instant: from the first, until before the last."""
    return assigned.valid_from_at <= at and (assigned.valid_until_at is None or at < assigned.valid_until_at)


def holder_at(assigned: Assigned, handed: Iterable[Handed], at: datetime) -> str | None:
    """The post that answers for it then, None where nobody does.

    A hand-over moves what its giver holds at its instant, in its division and below it; what was before stays.
    """
    if not valid(assigned, at):
        return None
    post = assigned.post_id
    for each in sorted(handed, key=lambda one: (one.handed_at, one.record_id)):
        moves = each.from_post_id == post and assigned.division_code.startswith(each.division_code)
        if moves and each.handed_at <= at and valid(assigned, each.handed_at):
            post = each.to_post_id
    return post


@dataclass(frozen=True)
class Scope:
    """What one post answers for. divisions: codes that cover all below them."""

    divisions: frozenset[str] = frozenset()
    dwellings: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()

    def covers(self, division: str) -> bool:
        """Whether a division is the post's, or lies below one that is."""
        return any(division.startswith(each) for each in self.divisions)


def scope_of(post_id: str, assigned: Sequence[Assigned], handed: Sequence[Handed], at: datetime) -> Scope:
    """What a post answers for at an instant, its own and what was handed over to it."""
    mine = [each for each in assigned if holder_at(each, handed, at) == post_id]
    return Scope(
        divisions=frozenset(_outermost({each.division_code for each in mine if not _narrower(each)})),
        dwellings=frozenset(each.dwelling_id for each in mine if each.dwelling_id),
        persons=frozenset(each.person_id for each in mine if each.person_id),
        sites=frozenset(each.site_id for each in mine if each.site_id),
    )


def _narrower(assigned: Assigned) -> bool:
    return any((assigned.dwelling_id, assigned.person_id, assigned.site_id))


def _outermost(codes: set[str]) -> Iterator[str]:
    """Without those that another of them covers already."""
    return (code for code in codes if not any(code != other and code.startswith(other) for other in codes))
