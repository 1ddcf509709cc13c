"""House by house (Notice 003 §2): who is visited when, and what the grid workers send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from random import Random

from deploy.sample.cast import EARLY
from deploy.sample.mail import Mail, Sent
from deploy.sample.people import Household, Person, Record
from deploy.sample.places import HEART
from deploy.sample.steps import DAY, between, march, step_at

ROUND = "R1"
_CHANNELS, _CHANNEL_WEIGHTS = ("visit", "phone", "message", "app"), (70, 15, 8, 7)
_DAYS, _DAY_WEIGHTS = (5, 6, 7), (45, 35, 20)
_STEPS_LATE = 4
_FEVERISH, _COUGHS, _ARRIVED, _SENT_LATE = 0.005, 0.01, 0.015, 0.01
_SOURCE_AREAS = ("310120", "310115", "440303", "220202", "370211", "130900")
_HOURS = (("08:10", "17:50"), ("08:10", "19:50"))


def plan_visits(households: Sequence[Household], rng: Random) -> None:
    """Jiashan is canvassed on the first day, the other counties within three."""
    for home in households:
        heart = home.grid.startswith(HEART)
        day = 5 if heart else rng.choices(_DAYS, _DAY_WEIGHTS)[0]
        first, last = _HOURS[day > min(_DAYS)]
        home.visited_at = between(rng, march(day, first), march(day, last))
        home.channel = rng.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0]


def send_visits(mail: Mail, households: Sequence[Household], ill: Collection[str], rng: Random) -> list[Sent]:
    """A record a household, in the order of the visits. ill: numbers of the cases found at the door."""
    in_order = sorted(households, key=lambda home: (visited_at(home), home.ref))
    return [_send_visit(mail, home, ill, rng) for home in in_order]


def _send_visit(mail: Mail, home: Household, ill: Collection[str], rng: Random) -> Sent:
    at = visited_at(home)
    late = _STEPS_LATE if rng.random() < _SENT_LATE else 0
    members = [_met(person, at, person.id_number in ill, rng) for person in home.members]
    return mail.send(
        step_at(at) + late, f"grid-{home.grid[:6]}", "household-visit", home.grid,
        dwelling={"ref": home.ref, "address": home.address}, round_id=ROUND,
        visited_at=at, channel=home.channel, members=members,
    )  # fmt: skip


def call_again(mail: Mail, visits: Sequence[Sent], number: int, rng: Random) -> None:
    """Some households are canvassed a second time in the round: they and their people count once."""
    for visit in rng.sample([visit for visit in visits if is_calm(visit)], number):
        first = visit.record
        at = datetime.fromisoformat(first["visited_at"]) + DAY
        members = [
            {name: member[name] for name in ("person", "person_ref") if name in member} | {"temperature_celsius": 36.5}
            for member in first["members"]
        ]
        mail.send(
            step_at(at), visit.feed, "household-visit", first["division_code"],
            dwelling=first["dwelling"], round_id=ROUND, visited_at=at, channel="visit", members=members,
        )  # fmt: skip


def is_calm(visit: Sent) -> bool:
    """Nobody in it has symptoms or a temperature, and nobody in it can have a part (they are visited earlier)."""
    well = all(not met.get("symptoms") and met["temperature_celsius"] < 37 for met in visit.record["members"])
    return well and datetime.fromisoformat(visit.record["visited_at"]) > EARLY


def visited_at(home: Household) -> datetime:
    """Raises ValueError before `plan_visits`."""
    if home.visited_at is None:
        raise ValueError(f"{home.ref} has no visit yet: plan the visits first")
    return home.visited_at


def _met(person: Person, at: datetime, ill: bool, rng: Random) -> Record:
    if ill:
        return person.in_full() | {"temperature_celsius": 38.4, "symptoms": ["fever", "cough"]}
    met = person.in_full() | _condition(rng)
    if rng.random() < _ARRIVED:
        arrived = at - timedelta(hours=rng.randint(6, 240))
        left = arrived - timedelta(hours=rng.randint(2, 20))
        area = rng.choice(_SOURCE_AREAS)
        met["arrival"] = {
            "source_area_code": area, "left_area_at": left.isoformat(), "arrived_at": arrived.isoformat()
        }  # fmt: skip
    return met


def _condition(rng: Random) -> Record:
    chance = rng.random()
    if chance < _FEVERISH / 2:
        return {"symptoms": ["fever"]}
    if chance < _FEVERISH:
        symptoms = ["fever", "fatigue"][: rng.randint(0, 2)]
        return {"temperature_celsius": round(rng.uniform(37.3, 39.2), 1), "symptoms": symptoms}
    if chance < _FEVERISH + _COUGHS:
        symptoms = [rng.choice(("cough", "sore_throat"))]
        return {"temperature_celsius": round(rng.uniform(36.1, 37.2), 1), "symptoms": symptoms}
    return {"temperature_celsius": round(rng.uniform(36.0, 36.9), 1)}
