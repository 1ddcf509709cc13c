"""What command posts, quarantine sites and grid workers send about the people in their care."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from deploy.sample.counts import Counts
from deploy.sample.mail import Mail
from deploy.sample.people import Person
from deploy.sample.stays import CENTRAL, Care, Stay, sampled_on
from deploy.sample.steps import HOUR, between, step_at

_OFFICES = {
    "330402": "南湖区", "330411": "秀洲区", "330421": "嘉善县", "330424": "海盐县",
    "330481": "海宁市", "330482": "平湖市", "330483": "桐乡市",
}  # fmt: skip
_LAW = "中华人民共和国传染病防治法（2013）第三十九条、第四十一条"
_REASONS = {
    True: "You were with a person who is now found infected. You may carry the virus without feeling it.",
    False: "A person whom you were with has been in contact with the virus. We ask you to wait until it is sure.",
}
_COUGHS = 0.002
_LATE_BY = 1
"""Steps after the one at which a missed visit is told: so it is told, and taken back later."""


@dataclass
class Slips:
    """Half days, by stay, whose visit is not made, or received too late to be in time."""

    missed: dict[Stay, set[int]]
    late: dict[Stay, int]


def choose_slips(cares: Sequence[Care], counts: Counts, rng: Random) -> Slips:
    """One slip a stay, in its middle, so that the half days before and after are as they should be."""
    long = [stay for care in cares for stay in care.stays if len(stay.owed()) >= 6]
    chosen = rng.sample(long, counts.missed_visits + counts.missed_twice + counts.late_visits)
    slots = {stay: rng.randrange(1, len(stay.owed()) - 3) for stay in chosen}
    single, both = counts.missed_visits, counts.missed_visits + counts.missed_twice
    missed = {stay: {slots[stay]} for stay in chosen[:single]}
    missed |= {stay: {slots[stay], slots[stay] + 1} for stay in chosen[single:both]}
    return Slips(missed, {stay: slots[stay] for stay in chosen[both:]})


def send_care(mail: Mail, cares: Sequence[Care], slips: Slips, rng: Random) -> None:
    """Orders, placements, visits, tests and ends of everybody."""
    for number, care in enumerate(cares, 1):
        _orders(mail, care, number)
        for phase, stay in enumerate(care.stays, 1):
            _placement(mail, care.contact.person, stay, f"stay-{number:05d}-{phase}")
            _visits(mail, care.contact.person, stay, slips, rng)
            _tests(mail, care.contact.person, stay, rng)


def _orders(mail: Mail, care: Care, number: int) -> None:
    person = care.contact.person
    command, short = f"command-{person.county}", person.in_short()
    for order_number, order in enumerate(care.orders, 1):
        order_id = f"order-{number:05d}-{order_number}"
        measures = [
            {
                "mode": it.mode, "from_at": it.from_at.isoformat(), "until_at": it.until_at.isoformat(),
                "test_dates": [f"{day:%Y-%m-%d}" for day in it.test_days],
            }
            for it in order.measures
        ]  # fmt: skip
        mail.send(
            order.received, command, "quarantine-order", person.grid, **short, order_id=order_id,
            office=f"{_OFFICES[person.county]}新冠肺炎疫情防控工作领导小组", decider=command, legal_basis=_LAW,
            document=f"防控办〔2022〕{number}号", reason=_REASONS[len(measures) > 1],
            served_at=order.served_at, measures=measures,
        )  # fmt: skip
        if order.ended_at:
            mail.send(
                order.ended, command, "quarantine-end", person.grid, **short,
                order_id=order_id, decider=command, ended_at=order.ended_at,
            )  # fmt: skip


def _keeper(person: Person, stay: Stay) -> str:
    """Who is with the person: the staff of the site, or the grid worker."""
    return f"{'site' if stay.mode == CENTRAL else 'grid'}-{person.county}"


def _placement(mail: Mail, person: Person, stay: Stay, placement: str) -> None:
    keeper, short = _keeper(person, stay), person.in_short()
    site = f"{keeper}-{int(placement.split('-')[1]) % 5 + 1}" if stay.mode == CENTRAL else f"home-{placement}"
    mail.send(
        stay.received, keeper, "placement", person.grid, **short,
        placement_id=placement, mode=stay.mode, site_id=site, started_at=stay.start,
    )  # fmt: skip
    if stay.ended_at:
        mail.send(
            stay.ended, keeper, "placement-end", person.grid, **short, placement_id=placement, ended_at=stay.ended_at
        )


def _visits(mail: Mail, person: Person, stay: Stay, slips: Slips, rng: Random) -> None:
    """Morning and evening. The sites' own system gives its visits no ids: their content is their id."""
    keeper, short, missed = _keeper(person, stay), person.in_short(), slips.missed.get(stay, ())
    for number, (begin, end) in enumerate(stay.owed()):
        if number in missed:
            continue
        at, step = _made(begin, rng)
        symptoms = ["cough"] if rng.random() < _COUGHS else None
        if slips.late.get(stay) == number:
            step = step_at(end + timedelta(seconds=1)) + _LATE_BY
        mail.send(
            step, keeper, "visit", person.grid, numbered=stay.mode != CENTRAL, **short,
            visited_at=at, temperature_celsius=round(rng.uniform(36.0, 37.1), 1), symptoms=symptoms,
        )  # fmt: skip


def _made(begin: datetime, rng: Random) -> tuple[datetime, int]:
    """When a visit is made in the half day that begins then, and the step at which it is received."""
    if begin.hour == 0:
        first, last = begin + 7 * HOUR, begin + 8.9 * HOUR
    else:
        first, last = begin + 2.6 * HOUR, begin + 4.9 * HOUR
    return between(rng, first, last), step_at(last)


def _tests(mail: Mail, person: Person, stay: Stay, rng: Random) -> None:
    """On the days of the policy, while the person is there; all negative (those of the cases are sent with them)."""
    for day in stay.tests:
        sampled = sampled_on(day, stay, rng)
        resulted = sampled + timedelta(hours=5, minutes=rng.randint(0, 90))
        step = max(step_at(resulted), stay.received)
        mail.send(
            step, f"lab-{person.county}", "test", person.grid, **person.in_short(),
            sampled_at=sampled, resulted_at=resulted, result="negative",
        )  # fmt: skip
