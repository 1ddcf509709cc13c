"""Pooled tests in Jiashan, ten people to a tube; everybody in a positive one is sampled again, alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from deploy.sample.cast import Case
from deploy.sample.mail import Mail
from deploy.sample.people import Person
from deploy.sample.places import HEART
from deploy.sample.steps import HOUR, between, march, step_at

TO_A_TUBE = 10
_LAB = f"lab-{HEART}"
_ROUNDS = (
    ("A", (march(5, "13:10"), march(5, "16:50")), 7 * HOUR),
    ("B", (march(6, "08:20"), march(6, "16:30")), 6 * HOUR),
    ("C", (march(8, "08:20"), march(8, "16:30")), 7 * HOUR),
    ("D", (march(10, "08:20"), march(10, "16:30")), 7 * HOUR),
)
"""Round, when its samples are taken, and how long the laboratory needs."""


def send_pools(mail: Mail, people: Sequence[Person], cases: Sequence[Case], rng: Random) -> None:
    """The routine tube that began it, four rounds, one tube that was positive for nothing."""
    by_key = {key: [case for case in cases if case.script.key == key] for key in ("index", "round_one")}
    crowd = sorted(people, key=lambda person: (person.grid, person.id_number))
    (index,) = by_key["index"]
    routine = [*crowd[: TO_A_TUBE - 1], index.person]
    _tube(mail, "routine-0001", routine, march(4, "15:10"), march(5, "02:40"), positive=True)
    _sample_again(mail, routine, index, rng)
    for letter, hours, needs in _ROUNDS:
        seeded = by_key["round_one"] if letter == "A" else []
        _round(mail, letter, crowd, hours, needs, seeded, rng)


def _round(
    mail: Mail,
    letter: str,
    crowd: Sequence[Person],
    hours: tuple[datetime, datetime],
    needs: timedelta,
    seeded: Sequence[Case],
    rng: Random,
) -> None:
    """One round. seeded: cases whose tubes turn positive; in round B the last tube does, for nothing."""
    tubes = [list(crowd[at : at + TO_A_TUBE]) for at in range(0, len(crowd), TO_A_TUBE)]
    positive = {number: case for number, case in enumerate(seeded)}
    for number, members in enumerate(tubes):
        case = positive.get(number)
        if case:
            members[-1:] = [case.person]
        # The tubes of the cases are the last that the laboratory reads, in the night to 6 March.
        sampled = hours[1] - HOUR if case else between(rng, *hours)
        resulted = march(5, "23:20") if case else sampled + needs + timedelta(minutes=rng.randint(0, 50))
        wrong = letter == "B" and number == len(tubes) - 1
        _tube(mail, f"{letter}-{number:05d}", members, sampled, resulted, positive=bool(case) or wrong)
        if case:
            _sample_again(mail, members, case, rng)
        elif wrong:
            _clear(mail, members[1:], resulted)  # the first could not be found: a sample is due of this one for ever


def _tube(
    mail: Mail, tube: str, members: Sequence[Person], sampled: datetime, resulted: datetime, *, positive: bool
) -> None:
    """A tube and its result; it is recorded in the village where it was filled."""
    village = members[0].grid[:12]
    mail.send(
        step_at(sampled), _LAB, "tube", village, tube_id=tube, sampled_at=sampled,
        members=[person.in_short() | {"division_code": person.grid} for person in members],
    )  # fmt: skip
    mail.send(
        step_at(resulted), _LAB, "tube-result", village,
        tube_id=tube, resulted_at=resulted, result="positive" if positive else "negative",
    )  # fmt: skip


def _sample_again(mail: Mail, members: Sequence[Person], case: Case, rng: Random) -> None:
    """Each of them alone; the case's own test is sent with the case."""
    for person in members:
        if person is not case.person:
            sampled = between(rng, case.script.sampled, case.script.sampled + HOUR)
            resulted = case.script.resulted
            mail.send(
                step_at(resulted), _LAB, "test", person.grid, **person.in_short(),
                sampled_at=sampled, resulted_at=resulted, result="negative",
            )  # fmt: skip


def _clear(mail: Mail, members: Sequence[Person], resulted: datetime) -> None:
    for person in members:
        mail.send(
            step_at(resulted + 8 * HOUR), _LAB, "test", person.grid, **person.in_short(),
            sampled_at=resulted + HOUR, resulted_at=resulted + 5 * HOUR, result="negative",
        )  # fmt: skip
