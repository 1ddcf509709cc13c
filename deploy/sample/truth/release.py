"""Who has only to wait for the last day: in the last measure, with every test taken and negative (ed. 8, release)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from deploy.sample.steps import SHANGHAI
from deploy.sample.truth.book import Book, Said
from deploy.sample.truth.care import latest_orders
from deploy.sample.truth.contacts import Exposed


class Sample(NamedTuple):
    """One test of a person."""

    at: datetime
    result: str


def free_to_go(book: Book, exposed: Mapping[str, Exposed], care: Mapping[str, str]) -> Iterator[str]:
    """The people whose release is due at the end of their order. care: as `care_of_all` says."""
    samples: dict[str, list[Sample]] = {}
    for said in book.of("test"):
        samples.setdefault(said.who, []).append(Sample(said.at("sampled_at"), said.record["result"]))
    for person, order in latest_orders(book).items():
        if care[person] != order.record["measures"][-1]["mode"] or not _negative(order, samples.get(person, ())):
            continue
        its = exposed.get(person)
        if its is None or its.category != "secondary" or _begins_negative(exposed[its.linked], samples, its.linked):
            yield person


def _negative(order: Said, samples: Sequence[Sample]) -> bool:
    """A negative on each day named, or after it and before the next one; nothing positive since the order."""
    if any(sample.result == "positive" and sample.at >= order.at("served_at") for sample in samples):
        return False
    named = sorted(
        date.fromisoformat(day) for measure in order.record["measures"] for day in measure.get("test_dates", ())
    )
    days = {sample.at.astimezone(SHANGHAI).date() for sample in samples if sample.result == "negative"}
    return all(any(first <= day < following for day in days) for first, following in pairwise((*named, date.max)))


def _begins_negative(contact: Exposed, samples: Mapping[str, Sequence[Sample]], linked: str) -> bool:
    """The first two results of the close contact whom a secondary one met, since that one was exposed."""
    since = sorted(sample for sample in samples.get(linked, ()) if sample.at >= contact.first_at)
    return [sample.result for sample in since if sample.result != "inconclusive"][:2] == ["negative", "negative"]
