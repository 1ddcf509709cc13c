"""Doses given in the weeks before (Notice 003 §4): a first one, for some a second, and some told by two sites."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from random import Random

from deploy.sample.mail import Mail
from deploy.sample.people import Person
from deploy.sample.steps import DAY, HOUR, between, march

_STEP = 2
_SECOND_ONE_IN, _TWICE_TOLD_ONE_IN = 2, 5
_APART = 21 * DAY


def send_vaccinations(mail: Mail, people: Iterable[Person], number: int, rng: Random) -> None:
    """For so many people; the hospital tells of some doses that the site has told of, an hour later."""
    for order, person in enumerate(islice(people, number)):
        vaccine = rng.choice(("inactivated", "viral_vector"))
        first = between(rng, march(2, "08:00"), march(2, "11:30")) - _APART
        doses = [first, first + _APART] if order % _SECOND_ONE_IN == 0 else [first]
        for dose, at in enumerate(doses, 1):
            told = (f"vaccination-{person.county}", at), (f"hospital-{person.county}", at + HOUR)
            for feed, given in told if order % _TWICE_TOLD_ONE_IN == 0 else told[:1]:
                mail.send(
                    _STEP, feed, "vaccination", person.grid, **person.in_short(), vaccine=vaccine, dose_number=dose,
                    given_at=given,
                )  # fmt: skip
