"""Who is a contact of whom (domain §3, §7): close over secondary over casual, by exposures that count."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from contracts import policy
from contracts.events.contacts import Category, ContactIdentified, ContactMatter, ContactWay, Standing
from contracts.events.testing import Result
from services.tracing.rules.orders import Quarantine, quarantines_ended
from services.tracing.rules.statements import statement_id
from services.tracing.rules.surroundings import CasePart, ClosePart, Exposure, Neighbour, Surroundings

RANK = {Category.CLOSE: 2, Category.SECONDARY: 1, Category.CASUAL: 0}
TESTS_OF_THE_LINK = 2
"""A secondary contact is free when the linked contact's first two tests are negative (ed. 8, ed. 9)."""


# Most of what is derived together was found at one instant in one place.
lookback_at = lru_cache(maxsize=4096)(policy.lookback)
plan_at = lru_cache(maxsize=4096)(policy.quarantine_plan)


@dataclass(frozen=True, slots=True)
class Chain:
    """One exposure that counts: the part of it that does, and when the last fact of its chain was first received."""

    exposure: Exposure
    category: Category
    first_at: datetime
    last_at: datetime
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Matter:
    """What counts between two ends of quarantine. follows: the one before it, if any; chains: of the highest rank."""

    follows: Quarantine | None
    chains: tuple[Chain, ...]

    @property
    def since_at(self) -> datetime | None:
        return self.follows.ended_at if self.follows else None

    @property
    def category(self) -> Category:
        return self.chains[0].category

    @property
    def first_at(self) -> datetime:
        """Of the first exposure that counts."""
        return min(chain.first_at for chain in self.chains)

    @property
    def found_at(self) -> datetime:
        """When the first whole chain was first received, but for what went on when quarantine had ended: then."""
        found_at = min(chain.found_at for chain in self.chains)
        return found_at if self.since_at is None else max(found_at, self.since_at)

    def as_stated(self) -> ContactMatter:
        return ContactMatter(
            category=self.category,
            found_at=self.found_at,
            follows_order_id=self.follows.first_order_id if self.follows else None,
            since_at=self.since_at,
        )


@dataclass(frozen=True, slots=True)
class Contact:
    """The fact to be stated, of the latest matter; and all matters, as they came."""

    fact: ContactIdentified
    matters: tuple[Matter, ...]

    def matter_of(self, at: datetime) -> Matter:
        """The one that an order served at that instant answers."""
        return next(
            (each for each in reversed(self.matters) if each.since_at is None or each.since_at <= at), self.matters[0]
        )


def contact_of(around: Surroundings) -> Contact | None:
    """The category with its latest link; the person may be a case too, by exposure to another one.

    What follows an end of quarantine is a new matter, unless it is no more than a venue shared with a case.
    """
    matters = _matters(around)
    if not matters:
        return None
    latest = matters[-1]
    last_at = max(chain.last_at for chain in latest.chains)
    window = lookback_at(latest.found_at, around.division_code, around.adoptions)
    plan = plan_at(latest.category, latest.found_at, around.division_code, around.adoptions)
    fact = ContactIdentified(
        statement_id=statement_id("contact", around.person_id),
        person_id=around.person_id,
        category=latest.category,
        linked_id=min(chain.exposure.other_id for chain in latest.chains if chain.last_at == last_at),
        last_exposure_at=last_at,
        found_at=latest.found_at,
        exposure_ids=tuple(sorted({chain.exposure.statement_id for chain in latest.chains})),
        edition=window.edition,
        standing=_weaker(window.standing, plan.standing),
        matters=tuple(each.as_stated() for each in _matters(around, going_on=True)) if latest.follows else (),
    )
    return Contact(fact, matters)


def _weaker(lookback: Standing, plan: Standing) -> Standing:
    return Standing.PROVISIONAL if Standing.PROVISIONAL in (lookback, plan) else lookback


def _matters(around: Surroundings, *, going_on: bool = False) -> tuple[Matter, ...]:
    """As they came; casual ones only where there is no other.

    going_on: what had begun and was known before an end that it went on after belongs to the matter before it too.
    """
    over = quarantines_ended(around.orders)
    ends = [each.ended_at for each in over]
    chains: dict[int, list[Chain]] = {}
    for chain in counted_chains(around):
        last = bisect_left(ends, chain.last_at)
        first = bisect_left(ends, max(chain.first_at, chain.found_at)) if going_on else last
        for n in range(min(first, last), last + 1):
            chains.setdefault(n, []).append(chain)
    matters = [Matter(over[n - 1] if n else None, _of_the_highest_rank(chains[n])) for n in sorted(chains)]
    return tuple([each for each in matters if each.category is not Category.CASUAL] or matters)


def _of_the_highest_rank(chains: Iterable[Chain]) -> tuple[Chain, ...]:
    highest = max(RANK[chain.category] for chain in chains)
    return tuple(chain for chain in chains if RANK[chain.category] == highest)


def counted_chains(around: Surroundings) -> Iterator[Chain]:
    """The exposures that make this person a contact: to a case first, else to a close contact."""
    for exposure in around.exposures:
        neighbour = around.neighbours.get(exposure.other_id)
        if neighbour is None:
            continue
        if neighbour.case is not None:
            chains = [_to_case(around, exposure, neighbour.case)]
        else:
            chains = [_to_close_contact(around, exposure, link) for link in neighbour.close_for(around.person_id)]
        yield from (chain for chain in chains if chain is not None)


def _to_case(around: Surroundings, exposure: Exposure, case: CasePart) -> Chain | None:
    """Close, or casual by a shared venue, where the exposure overlaps [reference - lookback, isolation]."""
    found_at = max(exposure.received_at, case.known_at)
    window = lookback_at(found_at, around.division_code, around.adoptions)
    if window.days_before is None:
        return None
    start = case.reference_at - timedelta(days=window.days_before)
    category = Category.CASUAL if exposure.way is ContactWay.SHARED_VENUE else Category.CLOSE
    return _overlap(exposure, category, start, case.isolated_at, found_at)


def _to_close_contact(around: Surroundings, exposure: Exposure, link: ClosePart) -> Chain | None:
    """Secondary, from the link's own first counted exposure until the link was placed."""
    found_at = max(exposure.received_at, link.found_at)
    if exposure.way is ContactWay.SHARED_VENUE or not _secondary_sought(around, found_at):
        return None
    return _overlap(exposure, Category.SECONDARY, link.first_at, link.until_at, found_at)


def _secondary_sought(around: Surroundings, instant: datetime) -> bool:
    """Ed. 7 was the first to know secondary contacts; since the 20 measures they are no longer identified."""
    if policy.day_of(instant) < _secondary_since():
        return False
    plan = plan_at(Category.SECONDARY, instant, around.division_code, around.adoptions)
    return isinstance(plan, policy.Plan) or not plan.abolished


@cache
def _secondary_since() -> date:
    key = policy.PLAN_KEYS[Category.SECONDARY]
    return min(
        edition.effective_from for edition in policy.editions() if any(plan.key == key for plan in edition.plans)
    )


def _overlap(
    exposure: Exposure, category: Category, start: datetime, end: datetime | None, found_at: datetime
) -> Chain | None:
    """The part of the exposure inside [start, end], both borders included; None where there is none."""
    first_at = max(exposure.first_at, start)
    last_at = exposure.last_at if end is None else min(exposure.last_at, end)
    return Chain(exposure, category, first_at, last_at, found_at) if first_at <= last_at else None


def seen_by_others(around: Surroundings, case: CasePart | None, contact: Contact | None) -> Neighbour:
    """What the derivation of others may read of this person."""
    if case is not None or not (close := _close_parts(around, contact)):
        return Neighbour(case)
    cases = {chain.exposure.other_id for chain in counted_chains(around) if chain.category is Category.CLOSE}
    without = {case_id: _close_parts(around, contact_of(_without(around, case_id))) for case_id in sorted(cases)}
    return Neighbour(close=close, close_without=without)


def _without(around: Surroundings, other_id: str) -> Surroundings:
    return replace(around, exposures=tuple(met for met in around.exposures if met.other_id != other_id))


def _close_parts(around: Surroundings, contact: Contact | None) -> tuple[ClosePart, ...]:
    matters = contact.matters if contact else ()
    return tuple(_close_part(around, matter) for matter in matters if matter.category is Category.CLOSE)


def _close_part(around: Surroundings, matter: Matter) -> ClosePart:
    after = max(matter.first_at, matter.since_at or matter.first_at)
    placed = (
        placement.started_at
        for placement in around.placements
        if placement.ended_at is None or placement.ended_at > after
    )
    return ClosePart(
        first_at=matter.first_at,
        until_at=min(placed, default=None),
        found_at=matter.found_at,
        first_tests_negative=_first_tests_negative(around, matter.first_at),
    )


def _first_tests_negative(around: Surroundings, since: datetime) -> bool:
    """An inconclusive result proves nothing and is passed over."""
    results = [
        test.result
        for test in sorted(around.tests, key=lambda test: (test.sampled_at, test.statement_id))
        if test.sampled_at >= since and test.result is not Result.INCONCLUSIVE
    ]
    return results[:TESTS_OF_THE_LINK] == [Result.NEGATIVE] * TESTS_OF_THE_LINK
