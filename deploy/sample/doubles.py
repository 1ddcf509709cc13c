"""Double registrations: who is known to a site by a number of its own and to all others by the card; and twins."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.sample.counts import Counts
from deploy.sample.mail import Mail, Sent
from deploy.sample.people import Person
from deploy.sample.places import CITY
from deploy.sample.stays import CENTRAL, Care
from deploy.sample.steps import STEPS

_AT_THE_SITE = ("placement", "placement-end", "visit")
_COMMAND = f"command-{CITY}"


def register_twice(mail: Mail, cares: Sequence[Care], counts: Counts) -> None:
    """Some guests stand in their site's own list under its number; before that list is sent, both are said to be one.

    Some others are taken for one person at first, and found to be twins before anything is said of them.
    """
    guests = [care for care in cares if care.stays and care.stays[0].mode == CENTRAL]
    guests.sort(key=lambda care: care.fate != "still_in")  # of those there at the end the site alone can tell
    refs: dict[str, str] = {}
    for number, care in enumerate(guests[: counts.doubles], 1):
        person, ref = care.contact.person, f"guest-{number:04d}"
        refs[person.id_number] = ref
        _say_that_they_are_one(mail, max(care.stays[0].received - 1, 0), person, {"person_ref": ref})
    for sent in mail.sent:
        person_ref = refs.get(sent.record.get("person", {}).get("id_number"))
        if person_ref and sent.kind in _AT_THE_SITE and sent.feed.startswith("site-"):
            del sent.record["person"]
            sent.record["person_ref"] = person_ref
    others = [care.contact.person for care in guests[counts.doubles :]]
    for number in range(counts.parted):
        one, other = others[2 * number : 2 * number + 2]
        mail.withdraw(_say_that_they_are_one(mail, 0, one, other.in_short()), 1)


def _say_that_they_are_one(mail: Mail, step: int, person: Person, other: dict[str, object]) -> Sent:
    return mail.send(
        step, _COMMAND, "same-person", person.grid, kept=person.in_short(), other=other, decided_by=_COMMAND,
        decided_at=STEPS[step], reason="同一证件，两处登记",
    )  # fmt: skip
