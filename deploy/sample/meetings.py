"""Who met whom, when: the close contacts, their own contacts, and the meetings that mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from deploy.sample.cast import Case, Cast, Contact, Role
from deploy.sample.counts import Counts
from deploy.sample.people import Person
from deploy.sample.scripts import scripts_for
from deploy.sample.steps import DAY, HOUR, MINUTE, STEPS, between, step_at

_WAYS = ("dined", "worked_or_studied", "same_vehicle", "entertained", "same_house", "treated")
_LOOKBACK = 2 * DAY
MARGIN = 15 * MINUTE


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to the weights that add up to the total."""
    whole, given, passed = sum(weights), 0, 0.0
    numbers = []
    for weight in weights:
        passed += weight
        numbers.append(round(total * passed / whole) - given)
        given += numbers[-1]
    return numbers


def _stretch(rng: Random, last_at: datetime, not_before: datetime) -> datetime:
    """When a meeting that ended at last_at began."""
    return max(not_before, last_at - timedelta(minutes=rng.randint(15, 240)))


def _met_a_case(cast: Cast, case: Case, role: Role, number: int, way: str = "") -> Contact:
    """A meeting with a case inside the window, by turns at the steps of the script."""
    rng, script = cast.rng, case.script
    relative = cast.relative(case.person) if number % 9 == 0 else None
    person = relative or cast.draw(script.county)
    last_at = max(between(rng, script.met[0] + HOUR, script.met[1]) for _ in range(2))
    named = step_at(script.named[number % len(script.named)])
    return Contact(
        person, case.person, case, role, way or ("lived" if relative else rng.choice(_WAYS)),
        _stretch(rng, last_at, script.met[0]), last_at, named, max(named, case.found),
    )  # fmt: skip


def _met_a_contact(cast: Cast, met: Contact, role: Role, named: int, until: datetime) -> Contact:
    """A meeting with somebody's contact, after that one's own exposure and before `until`."""
    rng = cast.rng
    relative = cast.relative(met.person)
    person = relative or cast.draw(met.person.county)
    begin = met.last_at + MARGIN
    last_at = max(between(rng, begin + MARGIN, until) for _ in range(2))
    way = "lived" if relative else rng.choice(_WAYS)
    first_at = _stretch(rng, last_at, begin)
    return Contact(person, met.person, met.case, role, way, first_at, last_at, named, max(named, met.found))


def _by_turns(cast: Cast, bases: Sequence[Contact], total: int, role: Role) -> list[Contact]:
    """So many contacts of contacts, spread by chance, named at the onward steps of the script."""
    made = []
    for number in range(total):
        met = bases[number] if number < len(bases) // 3 else cast.rng.choice(bases)
        later = [step for step in map(step_at, met.case.script.onward) if step > met.found]
        made.append(_met_a_contact(cast, met, role, cast.rng.choice(later), STEPS[met.found] - 10 * MINUTE))
    return made


def infect(confirmed: int, cast: Cast, cases: Sequence[Case]) -> list[Case]:
    """The cases found under control: each was infected by one of the cases, and is that one's close contact."""
    made: list[Case] = []
    for number, script in enumerate(script for script in scripts_for(confirmed) if script.source):
        sources = [case for case in cases if case.script.key == script.source]
        source = sources[number % len(sources)]
        infected = script.infected or script.met
        named = step_at((script.named or source.script.named)[0])
        case = Case(script, cast.draw(script.county))
        case.infected = Contact(
            case.person, source.person, source, Role.INFECTED, "dined", *infected, named, max(named, source.found)
        )
        made.append(case)
    return made


def close_contacts(counts: Counts, cast: Cast, cases: Sequence[Case], infected: int) -> list[Contact]:
    """Those who stay what they are. infected: how many close contacts become cases."""
    spreading = [case for case in cases if case.script.share]
    numbers = shares(counts.close - infected - counts.converts, _weights(spreading))
    return [
        _met_a_case(cast, case, Role.CLOSE, number)
        for case, total in zip(spreading, numbers, strict=True)
        for number in range(total)
    ]


def _weights(cases: Sequence[Case]) -> list[float]:
    """A script's share, divided among its cases."""
    keys = [case.script.key for case in cases]
    return [case.script.share / keys.count(case.script.key) for case in cases]


def converts(counts: Counts, cast: Cast, cases: Sequence[Case]) -> list[Contact]:
    """Secondary contacts who become close, as the contact whom they met turns out to be a case."""
    spreading = [case for case in cases if case.script.share]
    made = []
    for case, total in zip(spreading, shares(counts.converts, _weights(spreading)), strict=True):
        for wave in range(total):
            made.append(_convert(cast, case, wave))
    return made


def _convert(cast: Cast, case: Case, wave: int) -> Contact:
    script, rng = case.script, cast.rng
    last_at = between(rng, script.met[0] + HOUR, script.met[1])
    named = step_at(script.onward[0])
    return Contact(
        cast.draw(script.county), case.person, case, Role.CONVERT, rng.choice(_WAYS),
        _stretch(rng, last_at, script.met[0]), last_at, named, named, turned=case.found, wave=wave,
    )  # fmt: skip


def secondary_contacts(
    counts: Counts, cast: Cast, close: Sequence[Contact], turned: Sequence[Contact]
) -> list[Contact]:
    """Contacts of close contacts; some of them through those who become close only later."""
    rings = [met for met in turned if met.case.script.ring]
    ring = []
    for number in range(counts.ring):
        met = rings[number % len(rings)]
        named = step_at(met.case.script.ring or met.case.script.found)
        ring.append(_met_a_contact(cast, met, Role.RING, named, STEPS[met.found] - 10 * MINUTE))
    return _by_turns(cast, close, counts.secondary - counts.ring, Role.SECONDARY) + ring


def around_the_excluded(counts: Counts, cast: Cast, cases: Sequence[Case]) -> list[Contact]:
    """Contacts of the suspect who turns out not to be a case."""
    suspect = next(case for case in cases if case.script.last == "excluded")
    close = [_met_a_case(cast, suspect, Role.FALSE_CLOSE, n) for n in range(counts.excluded_close)]
    return close + _by_turns(cast, close, counts.excluded_secondary, Role.FALSE_SECONDARY)


def mistakes(counts: Counts, cast: Cast, index: Case) -> list[Contact]:
    """Meetings that were dated wrongly, or never were."""
    wrong = [Role.MISDATED] * counts.corrected_out + [Role.TAKEN_BACK] * counts.withdrawn
    return [_met_a_case(cast, index, role, number) for number, role in enumerate(wrong)]


def passers_by(counts: Counts, cast: Cast, cases: Sequence[Case]) -> list[Contact]:
    """People in the same place only (casual contacts), and people met before the window opened."""
    spreading = [case for case in cases if case.script.share]
    casual = [
        _met_a_case(cast, spreading[n % len(spreading)], Role.CASUAL, n, "shared_venue") for n in range(counts.casual)
    ]
    return casual + [_met_too_early(cast, spreading[n % len(spreading)], n) for n in range(counts.decoys)]


def _met_too_early(cast: Cast, case: Case, number: int) -> Contact:
    contact = _met_a_case(cast, case, Role.DECOY, number)
    contact.first_at, contact.last_at = before_window(cast.rng, case)
    return contact


def before_window(rng: Random, case: Case) -> tuple[datetime, datetime]:
    """A meeting that was over a day or more before contacts are looked for (2 days before onset or first positive)."""
    opens = (case.script.onset or case.script.sampled) - _LOOKBACK
    last_at = between(rng, opens - 4 * DAY, opens - DAY)
    return last_at - timedelta(minutes=rng.randint(15, 240)), last_at


def involved(contacts: Sequence[Contact], cases: Sequence[Case]) -> dict[str, Person]:
    """Everybody with a part, by number: they are tested on their own, never in a pool."""
    people = [contact.person for contact in contacts] + [case.person for case in cases]
    return {person.id_number: person for person in people}
