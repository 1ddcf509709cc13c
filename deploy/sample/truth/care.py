"""Where people stand at rest, and the half days in which a check is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from deploy.sample.steps import HOUR, day_start, half_days
from deploy.sample.truth.book import Book, Said, StoryError
from deploy.sample.truth.contacts import Exposed


@dataclass(frozen=True, slots=True)
class Slot:
    """A half day in which a person in a placement is owed a check."""

    person: str
    placement_id: str
    begin: datetime
    end: datetime


def latest_orders(book: Book) -> dict[str, Said]:
    """The order served last, of each person."""
    latest: dict[str, Said] = {}
    for said in book.of("quarantine-order"):
        held = latest.get(said.who)
        if held is None or held.at("served_at") < said.at("served_at"):
            latest[said.who] = said
    return latest


def care_of_all(book: Book, exposed: Mapping[str, Exposed], cases: Mapping[str, str]) -> dict[str, str]:
    """What is done with each person: released, a mode, awaiting something, or not in the answer (nothing)."""
    ended = {said.record["order_id"] for said in book.of("quarantine-end")}
    left = {said.record["placement_id"] for said in book.of("placement-end")}
    in_now = {said.who: said for said in book.of("placement") if said.record["placement_id"] not in left}
    care = {
        person: "awaiting_order"
        for person, its in exposed.items()
        if its.category != "casual" and cases.get(person, "excluded") == "excluded"
    }
    care |= dict.fromkeys(latest_orders(book), "awaiting_transfer")
    care |= {person: str(said.record["mode"]) for person, said in in_now.items()}
    care |= {person: "released" for person, order in latest_orders(book).items() if order.record["order_id"] in ended}
    return care | {person: "isolated" for person, said in in_now.items() if said.record["mode"] == "hospital"}


def owed_slots(book: Book) -> list[Slot]:
    """Every half day wholly inside a placement and the measure that it carries out."""
    orders = latest_orders(book)
    ends = {said.record["placement_id"]: said for said in book.of("placement-end")}
    ends_of_orders = {said.record["order_id"]: said for said in book.of("quarantine-end")}
    slots: list[Slot] = []
    for said in book.of("placement"):
        if said.record["mode"] == "hospital":
            continue
        order, placement = orders[said.who].record, str(said.record["placement_id"])
        until = next(
            datetime.fromisoformat(measure["until_at"])
            for measure in order["measures"]
            if measure["mode"] == said.record["mode"]
        )
        for end in (ends.get(placement), ends_of_orders.get(order["order_id"])):
            if end and end.at("ended_at") < until:
                until = end.at("ended_at")
                _received_by(end, _half_day_end(until))
        slots += [Slot(said.who, placement, *half_day) for half_day in half_days(said.at("started_at"), until)]
        _received_by(said, _half_day_end(said.at("started_at")) + 12 * HOUR)
    return slots


def _half_day_end(at: datetime) -> datetime:
    return day_start(at) + (12 if at.hour < 12 else 24) * HOUR


def _received_by(said: Said, end: datetime) -> None:
    """What begins or cuts a stay is known before the first half day ends whose check depends on it."""
    if said.known_at > end:
        raise StoryError(f"{said.record} is received at {said.known_at}, after {end}: let it be sent earlier")
