"""What people in quarantine ask for, and get, most of them (Notice 003 §5)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from deploy.sample.mail import Mail
from deploy.sample.posts import command_post
from deploy.sample.stays import Care
from deploy.sample.steps import before_step

_ASKED_FOR = ("food", "medicine", "daily_goods", "medical_care", "care_of_children_or_old", "comfort")
_UNMET_ONE_IN = 3


def send_needs(mail: Mail, cares: Sequence[Care], number: int, rng: Random) -> None:
    """One need each of so many who are kept somewhere; of three the last is never met."""
    kept = [care for care in cares if care.stays]
    for order, care in enumerate(rng.sample(kept, number), 1):
        person, stay = care.contact.person, care.stays[0]
        feed, asked = f"grid-{person.county}", stay.received + 1
        need = mail.send(
            asked, feed, "need", person.grid, **person.in_short(), need=rng.choice(_ASKED_FOR),
            asked_at=before_step(rng, asked),
        )  # fmt: skip
        if order % _UNMET_ONE_IN:
            met = asked + rng.randint(1, 3)
            mail.send(
                met, feed, "need-met", person.grid, asked={"feed": feed, "source_id": need.record["source_id"]},
                done_at=before_step(rng, met), done_by=command_post(person.grid),
            )  # fmt: skip
