"""What the services ask of the plans: a deadline, a quarantine plan, the lookback, at an instant in a division.

An amending notice leaves in force what it does not mention, so a value may be stated by an edition under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Literal, TypeVar

from contracts.events.contacts import Category, Standing
from contracts.policy.adoption import Adoption, adoption_of, cited, standing_of
from contracts.policy.answers import NO_EDITION, Answer, Deadline, Lookback, NoPlan, Plan, Retention
from contracts.policy.days import day_of, start_of_day
from contracts.policy.editions import (
    DeadlineRule,
    Edition,
    LookbackRule,
    NoEdition,
    PlanRule,
    Stated,
    base_of,
    edition_at,
    editions,
)

LOOKBACK, RETENTION = "contact_lookback", "identity_retention"
PLAN_KEYS = {"close": "contact", "secondary": "secondary_contact"}
R = TypeVar("R", bound=Stated)


class UnknownKey(ValueError):
    """No edition has a deadline of this key: correct the spelling, or add it to editions.json."""


def deadline(key: str, instant: datetime, division_code: str, adoptions: Sequence[Adoption] = ()) -> Deadline:
    """The hours for a deadline's key; where no plan knows any, those of the jurisdiction that adopted some.

    Raises UnknownKey for a key that no edition has.
    """
    if key not in deadline_keys():
        raise UnknownKey(f"no edition has a deadline {key!r}: choose one of {', '.join(sorted(deadline_keys()))}")
    day, edition = day_of(instant), _in_force(instant)

    def rule_in(stating: Edition) -> DeadlineRule | None:
        return next((rule for rule in stating.deadlines if rule.key == key and rule.holds_on(day)), None)

    rule, source = _stated(edition, f"the deadline {key}", rule_in)
    if rule is not None and rule.hours is not None:  # a document with other hours says something else than this value
        adoptions = [each for each in adoptions if each.hours in (None, rule.hours)]
    adoption = adoption_of(key, instant, division_code, adoptions)
    answer = _answer(edition, rule, source, adoption, instant)
    if answer.standing is Standing.BLANK and adoption is not None and adoption.hours is not None:
        cites = cited(source, adoption, Standing.ADOPTED)
        own = answer.model_copy(update={"standing": Standing.ADOPTED, "source": cites})
        return Deadline(key=key, hours=adoption.hours, **dict(own))
    return Deadline(key=key, hours=rule.hours if rule else None, **dict(answer))


def quarantine_plan(
    category: Category | Literal["close", "secondary"],
    instant: datetime,
    division_code: str,
    adoptions: Sequence[Adoption] = (),
) -> Plan | NoPlan:
    """How a close or secondary contact is quarantined. A casual contact is informed, never quarantined: NoPlan."""
    edition, key = _in_force(instant), PLAN_KEYS.get(category, category)

    def rule_in(stating: Edition) -> PlanRule | None:
        return next((rule for rule in stating.plans if rule.key == key), None)

    rule, source = _stated(edition, f"quarantine of {category} contacts", rule_in)
    answer = _answer(edition, rule, source, adoption_of(key, instant, division_code, adoptions), instant)
    if rule is None or rule.phases is None or rule.clock is None or rule.checks_per_day is None:
        return NoPlan(abolished=rule is not None and rule.abolished, **dict(answer))
    return Plan(phases=rule.phases, clock=rule.clock, checks_per_day=rule.checks_per_day, **dict(answer))


def lookback(instant: datetime, division_code: str, adoptions: Sequence[Adoption] = ()) -> Lookback:
    """The days before onset from which contacts are sought.

    Where the edition's own text was not found, the last earlier value is carried over: provisional until adopted.
    """
    edition, adoption = _in_force(instant), adoption_of(LOOKBACK, instant, division_code, adoptions)
    rule, source = _stated(edition, "the lookback", lambda e: e.lookback)
    answer = _answer(edition, rule, source, adoption, instant)
    if rule is not None and rule.known:
        return Lookback(days_before=rule.days_before, **dict(answer))
    earlier = _last_lookback_before(edition)
    if earlier is None:
        return Lookback(days_before=None, **dict(answer))
    standing = Standing.ADOPTED if adoption else Standing.PROVISIONAL
    carried = cited(f"{source}; carried over from {earlier[0].id}: {earlier[1].source}", adoption, standing)
    return Lookback(
        days_before=earlier[1].days_before, **dict(answer.model_copy(update={"standing": standing, "source": carried}))
    )


def retention(instant: datetime, division_code: str, adoptions: Sequence[Adoption] = ()) -> Retention:
    """The days after the last need for which the vault keeps who somebody is."""
    edition = _in_force(instant)
    rule, source = _stated(edition, "how long identity is kept", lambda stating: stating.retention)
    adoption = adoption_of(RETENTION, instant, division_code, adoptions)
    return Retention(days=rule.days if rule else None, **dict(_answer(edition, rule, source, adoption, instant)))


def measures_ended_at(instant: datetime) -> datetime | None:
    """When quarantine was ended by an edition in force: its placements hold nobody from then on. None: it was not."""
    ended: datetime | None = None
    for edition in editions():
        if edition.effective_from > day_of(instant):
            break
        stated = [rule for rule in edition.plans if rule.key == PLAN_KEYS["close"]]
        if stated:
            ended = start_of_day(edition.effective_from) if stated[0].abolished else None
    return ended


def starts(key: str, instant: datetime, state: str) -> bool:
    """Whether a case found in that state starts the deadline, as far as the edition of the day names states.

    An excluded one is none. A preliminary positive, which no edition names, is reported at first time (Notice 003 §2).
    """
    if state == "excluded":
        return False
    day, edition = day_of(instant), _in_force(instant)
    stated = (rule for each in _and_its_bases(edition) for rule in each.deadlines if rule.key == key)
    states = next((rule.states for rule in stated if rule.holds_on(day)), frozenset())
    return state == "preliminary_positive" or not states or state in states


@cache
def known_rules() -> frozenset[str]:
    """Every key that a jurisdiction may adopt."""
    return deadline_keys() | {*PLAN_KEYS.values(), LOOKBACK, RETENTION}


@cache
def deadline_keys() -> frozenset[str]:
    """Every key of a deadline that some edition has."""
    return frozenset(rule.key for edition in editions() for rule in edition.deadlines)


def _in_force(instant: datetime) -> Edition | None:
    try:
        return edition_at(instant)
    except NoEdition:
        return None


def _and_its_bases(edition: Edition | None) -> Iterator[Edition]:
    while edition is not None:
        yield edition
        edition = base_of(edition)


def _stated(edition: Edition | None, what: str, find: Callable[[Edition], R | None]) -> tuple[R | None, str]:
    """The rule of the edition, or of the ones it amends, and its source in words."""
    if edition is None:
        return None, f"no plan was in force before {editions()[0].effective_from}"
    for stating in _and_its_bases(edition):
        rule = find(stating)
        if rule is not None:
            words = (rule.source if rule.known else f"{stating.id}: {rule.note}") or ""
            return rule, words if stating is edition else f"{stating.id}, left in force by {edition.id}: {words}"
    return None, f"{edition.id} as far as it is known says nothing on {what}"


def _answer(
    edition: Edition | None, rule: Stated | None, source: str, adoption: Adoption | None, instant: datetime
) -> Answer:
    certainty, sure_from = rule.certainty if rule else None, edition.sure_from if edition else None
    if certainty is not None and sure_from is not None and day_of(instant) < sure_from:
        certainty = "C"
    standing = standing_of(certainty, adoption)
    return Answer(
        edition=edition.id if edition else NO_EDITION,
        certainty=certainty,
        standing=standing,
        source=cited(source, adoption, standing),
    )


def _last_lookback_before(edition: Edition | None) -> tuple[Edition, LookbackRule] | None:
    if edition is None:
        return None
    known = [
        (earlier, earlier.lookback)
        for earlier in editions()
        if earlier.effective_from < edition.effective_from and earlier.lookback and earlier.lookback.known
    ]
    return known[-1] if known else None
