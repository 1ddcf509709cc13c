"""What the investigators send: each meeting, some of them twice, misdated, or taken back; and where cases had been."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random

from deploy.sample.cast import Case, Contact, Role
from deploy.sample.counts import Counts
from deploy.sample.mail import Mail, Sent
from deploy.sample.meetings import before_window
from deploy.sample.steps import DAY, HOUR, STEPS

_CITY_DESK = "cdc-3304"


def send_exposures(mail: Mail, contacts: Sequence[Contact], counts: Counts, rng: Random) -> None:
    """A record a meeting. Who wrote it down is the county's centre; the city's desk names some of them again."""
    early = [it for it in contacts if it.role is Role.CLOSE and it.named < it.case.found]
    misdated = {it.person.id_number for it in rng.sample(early, counts.corrected_in)}
    for contact in contacts:
        if contact.person.id_number in misdated:
            _date_right(mail, contact, rng)
        elif contact.role is Role.MISDATED:
            first = _send(mail, contact)
            first_at, last_at = before_window(rng, contact.case)
            mail.correct(first, contact.named + rng.choice((2, 3)), first_at=first_at, last_at=last_at)
        elif contact.role is Role.TAKEN_BACK:
            mail.withdraw(_send(mail, contact), contact.named + rng.choice((2, 3)))
        else:
            _send(mail, contact)
    _name_again(mail, contacts, counts.named_twice, rng)


def send_places(mail: Mail, cases: Sequence[Case]) -> None:
    """The market where each case was the day before; the city's desk tells of it too, which makes no second visit."""
    for case in cases:
        last_at = STEPS[case.found] - DAY
        for feed in (f"cdc-{case.person.county}", _CITY_DESK):
            mail.send(
                case.found, feed, "place-exposure", case.person.grid, person=case.person.named(),
                place_id=f"market-{case.person.county}", first_at=last_at - HOUR, last_at=last_at,
            )  # fmt: skip


def _date_right(mail: Mail, contact: Contact, rng: Random) -> None:
    """Named with a wrong date and corrected into the window, all before anybody knows that it matters."""
    first = _send(mail, contact, before_window(rng, contact.case))
    step = contact.named + rng.choice((1, 2))
    mail.correct(first, step, first_at=contact.first_at, last_at=contact.last_at)


def _name_again(mail: Mail, contacts: Sequence[Contact], number: int, rng: Random) -> None:
    """The same meeting as the other person tells it, half an hour shorter where it was long: a second statement."""
    sure = [it for it in contacts if it.role in (Role.CLOSE, Role.SECONDARY, Role.CASUAL)]
    for contact in rng.sample(sure, number):
        long = contact.last_at - contact.first_at > HOUR
        first_at = contact.first_at + HOUR / 2 if long else contact.first_at
        mail.send(
            contact.named, _CITY_DESK, "exposure", contact.other.grid, person=contact.other.named(),
            other=contact.person.named(), other_division_code=contact.person.grid, way=contact.way,
            first_at=first_at, last_at=contact.last_at,
        )  # fmt: skip


def _send(mail: Mail, contact: Contact, when: tuple[datetime, datetime] | None = None) -> Sent:
    """when: from and until, where the investigator has it wrong at first."""
    first_at, last_at = when or (contact.first_at, contact.last_at)
    return mail.send(
        contact.named, f"cdc-{contact.person.county}", "exposure", contact.person.grid, person=contact.person.named(),
        other=contact.other.named(), other_division_code=contact.other.grid, way=contact.way,
        first_at=first_at, last_at=last_at,
    )  # fmt: skip
