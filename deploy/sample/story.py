"""The story itself: cases, contacts, and what is planned for each of them; some plans fail, in known numbers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from deploy.sample.cast import Case, Cast, Contact, Role, find_cases
from deploy.sample.counts import Counts
from deploy.sample.meetings import (
    around_the_excluded,
    close_contacts,
    converts,
    infect,
    mistakes,
    passers_by,
    secondary_contacts,
)
from deploy.sample.stays import Care, cut_short, plan_care
from deploy.sample.steps import HOUR, march, step_at

_SENT_HOME = march(5, "21:00")
"""When the contacts of the excluded suspect leave."""
_QUARANTINED = (Role.INFECTED, Role.CLOSE, Role.CONVERT, Role.SECONDARY, Role.RING)


def outbreak(counts: Counts, cast: Cast, grids: Sequence[str]) -> tuple[list[Case], list[Contact]]:
    """Cases and everybody who met them. The infected come last among the cases."""
    community = find_cases(counts.confirmed, cast, grids)
    infected = infect(counts.confirmed, cast, community)
    meetings = [case.infected for case in infected if case.infected]
    close = close_contacts(counts, cast, community, len(meetings))
    turned = converts(counts, cast, infected)
    others = secondary_contacts(counts, cast, close, turned)
    nothing = around_the_excluded(counts, cast, community) + mistakes(counts, cast, community[0])
    passing = passers_by(counts, cast, community)
    return community + infected, meetings + close + turned + others + nothing + passing


def plan_all(counts: Counts, contacts: Sequence[Contact], cases: Sequence[Case], rng: Random) -> list[Care]:
    """Orders and stays of everybody who is quarantined."""
    fates = _fates(counts, contacts, rng)
    suspected = [it for it in contacts if it.role is Role.FALSE_CLOSE][: counts.excluded_ordered]
    kept = [it for it in contacts if it.role in _QUARANTINED]
    cares = [plan_care(it, fates.get(it, ""), rng) for it in [*kept, *suspected]]
    by_number = {case.person.id_number: case for case in cases}
    for care in cares:
        case = by_number.get(care.contact.person.id_number)
        if case:
            left = case.script.hospital
            cut_short(care, left - HOUR / 2, step_at(left), case.script.sampled)
        elif care.contact.role is Role.FALSE_CLOSE:
            cut_short(care, _SENT_HOME, step_at(_SENT_HOME), _SENT_HOME)
    return cares


def _fates(counts: Counts, contacts: Sequence[Contact], rng: Random) -> dict[Contact, str]:
    """Who is transferred too late or never, never ordered, or still in at the end."""
    close = [it for it in contacts if it.role is Role.CLOSE]
    secondary = [it for it in contacts if it.role is Role.SECONDARY]
    rng.shuffle(close)
    rng.shuffle(secondary)
    fates: dict[Contact, str] = {}
    for pool, fate, number in (
        (close, "late", counts.late_transfers),
        (close, "never_transferred", counts.never_transferred),
        (close, "still_in", counts.still_in // 2),
        (secondary, "never_ordered", counts.never_ordered),
        (secondary, "still_in", counts.still_in - counts.still_in // 2),
    ):
        fates |= {pool.pop(): fate for _ in range(number)}
    return fates
