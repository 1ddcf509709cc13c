"""How each case comes to light. At a larger scale the middle ones happen to several people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deploy.sample.steps import march

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Script:
    """One way of becoming a case.

    found: a step, when an institution finds the case; settled: when `last` is given. onset None: no symptoms known.
    hospital: when isolation begins. report: "at_once", "in_time", "late" or "never". met: when the case's contacts
    were last with the case; named: steps at which investigators name them; share: the part of the close contacts.
    onward: steps at which the contacts' own contacts are named. source: the script of the case that infected this one
    (found under control), met in `infected`. ring: when contacts of those who become close are named.
    """

    key: str
    how: str
    county: str
    feed: str
    onset: datetime | None
    sampled: datetime
    resulted: datetime
    found: datetime
    first: str
    last: str
    settled: datetime
    hospital: datetime
    report: str
    met: Span
    named: tuple[datetime, ...]
    onward: tuple[datetime, ...]
    share: float = 0.0
    source: str = ""
    infected: Span | None = None
    ring: datetime | None = None
    reported: datetime | None = None


INDEX = Script(
    "index", "mass_testing", "330421", "cdc-330421", march(3, "20:00"),
    sampled=march(5, "03:30"), resulted=march(5, "06:10"), found=march(5, "06:30"),
    first="preliminary_positive", last="confirmed", settled=march(5, "11:40"), hospital=march(5, "07:30"),
    report="at_once", met=(march(2, "08:00"), march(5, "06:00")), share=0.4,
    named=(march(5, "08:00"), march(5, "09:00"), march(5, "10:00")),
    onward=(march(5, "10:00"), march(5, "11:00"), march(5, "12:05"), march(5, "13:00")),
)  # fmt: skip
AT_THE_DOOR = Script(
    "at_the_door", "canvassing", "330421", "hospital-330421", march(4, "18:00"),
    sampled=march(5, "09:50"), resulted=march(5, "15:20"), found=march(5, "16:00"),
    first="preliminary_positive", last="confirmed", settled=march(6, "07:30"), hospital=march(5, "17:20"),
    report="in_time", met=(march(3, "07:00"), march(5, "08:30")), share=0.15,
    named=(march(5, "12:05"),), onward=(march(5, "17:00"), march(5, "18:00")),
)  # fmt: skip
FEVER_CLINIC = Script(
    "fever_clinic", "fever_clinic", "330402", "hospital-330402", march(3, "09:00"),
    sampled=march(5, "10:40"), resulted=march(5, "12:20"), found=march(5, "13:00"),
    first="suspected", last="confirmed", settled=march(5, "16:40"), hospital=march(5, "12:55"),
    report="at_once", met=(march(2, "08:00"), march(5, "10:00")), share=0.25,
    named=(march(5, "15:00"),), onward=(march(5, "16:00"), march(5, "17:00")),
)  # fmt: skip
ROUND_ONE = Script(
    "round_one", "mass_testing", "330421", "cdc-330421", march(5, "20:00"),
    sampled=march(6, "01:00"), resulted=march(6, "04:40"), found=march(6, "05:00"),
    first="preliminary_positive", last="confirmed", settled=march(6, "09:30"), hospital=march(6, "05:50"),
    report="at_once", met=(march(4, "07:00"), march(5, "22:00")), share=0.2,
    named=(march(6, "08:00"), march(6, "09:00")), onward=(march(6, "10:00"), march(6, "11:00")),
)  # fmt: skip
FIRST_TEST = Script(
    "first_test", "under_control", "330402", "cdc-330402", None,
    sampled=march(5, "19:50"), resulted=march(6, "07:20"), found=march(6, "08:00"),
    first="preliminary_positive", last="confirmed", settled=march(6, "15:30"), hospital=march(6, "09:30"),
    report="at_once", met=(march(4, "08:00"), march(5, "14:00")), named=(), onward=(march(5, "17:00"),), share=0.375,
    source="fever_clinic", infected=(march(3, "12:00"), march(3, "13:00")), ring=march(6, "10:00"),
)  # fmt: skip
FOURTH_DAY = Script(
    "fourth_day", "under_control", "330421", "cdc-330421", march(7, "05:00"),
    sampled=march(8, "08:30"), resulted=march(8, "15:30"), found=march(8, "17:00"),
    first="preliminary_positive", last="confirmed", settled=march(9, "08:30"), hospital=march(8, "19:10"),
    report="late", reported=march(8, "20:20"), met=(march(5, "06:15"), march(5, "09:30")), share=0.375,
    named=(march(5, "10:00"),), onward=(march(5, "12:05"),),
    source="index", infected=(march(4, "17:00"), march(4, "19:00")), ring=march(9, "09:00"),
)  # fmt: skip
UNREPORTED = Script(
    "unreported", "under_control", "330482", "cdc-330482", march(7, "12:00"),
    sampled=march(9, "08:30"), resulted=march(9, "15:30"), found=march(9, "17:00"),
    first="preliminary_positive", last="confirmed", settled=march(10, "08:30"), hospital=march(9, "19:10"),
    report="never", met=(march(5, "13:00"), march(6, "08:30")), share=0.25,
    named=(march(6, "09:00"),), onward=(march(6, "10:00"),),
    source="round_one", infected=(march(4, "18:00"), march(4, "20:00")),
)  # fmt: skip
NO_SYMPTOMS = Script(
    "no_symptoms", "under_control", "330421", "cdc-330421", None,
    sampled=march(8, "08:40"), resulted=march(8, "15:30"), found=march(8, "17:00"),
    first="preliminary_positive", last="asymptomatic", settled=march(9, "08:40"), hospital=march(8, "19:30"),
    report="at_once", met=(march(4, "08:00"), march(4, "10:00")), named=(march(5, "09:00"),), onward=(),
    source="index", infected=(march(4, "12:00"), march(4, "13:00")),
)  # fmt: skip
EXCLUDED = Script(
    "excluded", "fever_clinic", "330424", "hospital-330424", march(4, "10:00"),
    sampled=march(5, "13:20"), resulted=march(5, "19:10"), found=march(5, "14:00"),
    first="suspected", last="excluded", settled=march(5, "19:30"), hospital=march(5, "13:55"),
    report="at_once", met=(march(3, "08:00"), march(5, "11:00")),
    named=(march(5, "15:00"),), onward=(march(5, "16:00"),),
)  # fmt: skip

ONCE = (INDEX, NO_SYMPTOMS, EXCLUDED)
OFTEN = (AT_THE_DOOR, FEVER_CLINIC, ROUND_ONE, FIRST_TEST, FOURTH_DAY, UNREPORTED)


def scripts_for(confirmed: int) -> list[Script]:
    """The index case, the two special ones, and the others in turn until so many are confirmed."""
    return [*ONCE, *(OFTEN[n % len(OFTEN)] for n in range(confirmed - 1))]
