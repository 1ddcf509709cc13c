"""People to be found (Notice 000 §1: no lead let go): lists from above, letters of other places, tips; their course.

Some are answered in time, some late, some never; some are sent down or on, taken back, or still open at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from deploy.sample.mail import Mail, Sent
from deploy.sample.people import Person
from deploy.sample.places import CITY, Places
from deploy.sample.posts import command_post
from deploy.sample.steps import HOUR, MINUTE, STEPS, before_step, march, step_at, steps_within

HOURS = {"list": 12, "letter": 24}
"""What the city adopts: no plan states any (`land.lead.…`). For tips it adopts nothing: their clock has no end."""
COUNTY, TOWNSHIP, VILLAGE, GRID, ELSEWHERE = 6, 9, 12, 15, 0
_RUNGS = 4 * HOUR
_ARRIVE = {
    "list": (march(5, "08:00"), march(5, "10:00")),
    "letter": (march(5, "14:00"), march(6, "11:00")),
    "tip": (march(5, "09:00"), march(6, "17:00")),
}
_SENT_BY = ("310115", "440303", "220202", "370211")


class When(StrEnum):
    """AT_ONCE: before anybody is told. IN_TIME: when the post knows, before its time is over. NEXT: a step later."""

    AT_ONCE = "at once"
    IN_TIME = "in time"
    LATE = "when everybody up to the province has been told"
    NEXT = "next"


class Act(NamedTuple):
    """did: the kind of the record after `lead-`, or undone, or taken-back. to: the level of those it is passed to."""

    did: str
    when: When
    to: int = GRID


class Course(NamedTuple):
    """What becomes of a lead that comes to the division of a level. at_last: it comes only as the play ends."""

    level: int
    acts: tuple[Act, ...] = ()
    at_last: bool = False


_LANDED, _CLOSED = Act("landed", When.IN_TIME), Act("closed", When.NEXT)
_SOUGHT, _ON = Act("not-found", When.IN_TIME), Act("passed-on", When.NEXT, ELSEWHERE)
COURSES = (
    Course(GRID, (_LANDED, _CLOSED)),
    Course(COUNTY, (Act("passed-on", When.AT_ONCE, TOWNSHIP), Act("passed-on", When.IN_TIME, GRID), _LANDED)),
    Course(COUNTY, (Act("passed-on", When.AT_ONCE, VILLAGE), Act("landed", When.LATE))),
    Course(VILLAGE),
    Course(GRID, (_SOUGHT, _ON, _LANDED, _CLOSED)),
    Course(TOWNSHIP, (Act("passed-on", When.LATE, VILLAGE), _SOUGHT)),
    Course(GRID, (_SOUGHT, _ON, Act("not-found", When.LATE), _CLOSED)),
    Course(VILLAGE, (Act("taken-back", When.IN_TIME),)),
    Course(GRID, (_LANDED, Act("undone", When.NEXT), _SOUGHT, _CLOSED)),
    Course(COUNTY, (Act("closed", When.IN_TIME),)),
    Course(VILLAGE, at_last=True),
)
COURSES_OF_TIPS = (Course(GRID, (_LANDED,)), Course(VILLAGE), Course(VILLAGE, (Act("closed", When.IN_TIME),)))
_OUTCOMES = {
    "landed": ("under_control", "已落地，纳入健康监测"),
    "not-found": ("not_to_be_found", "多方查找无果"),
    "": ("no_risk", "核实未到过重点地区"),
}


@dataclass
class _Lead:
    """A lead under way: who holds it since when, known at which step; the last act and its step."""

    sent: Sent
    division: str
    since: datetime
    known: int
    hours: int | None
    last: int
    did: str = ""
    step: Sent | None = None

    def in_time(self) -> list[int]:
        """The steps at which the post has been told and its time is not over."""
        until = self.since + timedelta(hours=self.hours or 48)
        return steps_within(max(self.known + 2, self.last + 1), until)[:2]

    def when(self, when: When, rng: Random) -> int:
        if when is When.IN_TIME:
            return rng.choice(self.in_time())
        if when is When.LATE:
            return step_at(self.since + timedelta(hours=self.hours or 0) + _RUNGS + MINUTE) + 1
        return self.known if when is When.AT_ONCE else self.last + 1


def adopt_hours(mail: Mail) -> None:
    """The city's own hours for leads."""
    for source, hours in HOURS.items():
        mail.send(
            0, f"command-{CITY}", "policy-adoption", CITY, rule=f"land.lead.{source}", adopted_from=march(5, "00:00"),
            decided_by=f"command-{CITY}", document="嘉防控办〔2022〕2号", hours=hours,
        )  # fmt: skip


def send_leads(mail: Mail, people: Iterator[Person], places: Places, each: int, worker_grid: str, rng: Random) -> None:
    """each: leads of every course and source. people: nobody of them is a case or a contact; one for each lead."""
    adopt_hours(mail)
    for source in ("list", "letter", "tip"):
        for course in (COURSES_OF_TIPS if source == "tip" else COURSES) * each:
            person = next(people)
            lead = _receive(mail, source, course, person, person.grid[: course.level], rng)
            for act in course.acts:
                _act(mail, lead, act, person, places.villages, rng)
    _receive(mail, "list", Course(GRID, at_last=True), next(people), worker_grid, rng)


def _receive(mail: Mail, source: str, course: Course, person: Person, division: str, rng: Random) -> _Lead:
    first, last = map(step_at, _ARRIVE[source])
    step = len(STEPS) - 2 if course.at_last else rng.randint(first, last)
    at = STEPS[step] - 30 * MINUTE
    feed = f"command-{CITY}" if source == "list" else f"desk-{division[:COUNTY]}"
    told: dict[str, Any] = {
        "list": {"reference": f"嘉防控办名单〔2022〕{step}号", "sent_by": CITY},
        "letter": {"reference": f"协查函〔2022〕{step}号", "sent_by": rng.choice(_SENT_BY)},
        "tip": {},
    }
    sent = mail.send(step, feed, "lead", division, person=person.named(), source=source, received_at=at, **told[source])
    return _Lead(sent, division, at, step, HOURS.get(source), step)


def _act(mail: Mail, lead: _Lead, act: Act, person: Person, villages: Sequence[str], rng: Random) -> None:
    step = lead.when(act.when, rng)
    if act.did in ("undone", "taken-back"):
        mail.withdraw(lead.step or lead.sent, step)
        lead.last = step
        return
    at = STEPS[step] - 10 * MINUTE if act.when is When.AT_ONCE else before_step(rng, step)
    office = "desk" if len(lead.division) < VILLAGE else "grid"
    told: dict[str, Any] = {}
    if act.did == "passed-on":
        others = [code for code in villages if code[:COUNTY] != lead.division[:COUNTY]]
        told["to_division_code"] = person.grid[: act.to] if act.to else rng.choice(others)
    elif act.did == "closed":
        told["outcome"], told["reason"] = _OUTCOMES[lead.did]
    followed = {"feed": lead.sent.feed, "source_id": lead.sent.record["source_id"]}
    lead.step = mail.send(
        step, f"{office}-{lead.division[:COUNTY]}", f"lead-{act.did}", lead.division, lead=followed, done_at=at,
        done_by=command_post(lead.division), **told,
    )  # fmt: skip
    lead.did, lead.last = act.did, step
    if act.did == "passed-on":
        lead.did, lead.division, lead.since, lead.known = "", told["to_division_code"], at, step
