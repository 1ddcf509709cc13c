"""When a release is due, and who owes a sample of his own (ed. 8, ed. 9, release; Notice 003 §2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from contracts import policy
from contracts.events.contacts import Category
from contracts.events.quarantine import ReleaseDue, SamplingDue
from contracts.events.testing import Result
from services.tracing.rules.care import (
    active_placement,
    in_order,
    measure_of,
    plan_behind,
    test_dates_of,
)
from services.tracing.rules.contacts import Contact
from services.tracing.rules.orders import latest_order, order_of
from services.tracing.rules.statements import statement_id
from services.tracing.rules.surroundings import Order, Surroundings


def release_of(around: Surroundings, contact: Contact | None) -> ReleaseDue | None:
    """Due at the end of the last measure, once the person is in it and every test says so (ed. 8 release rules)."""
    order, active = latest_order(around), active_placement(around)
    if order is None or active is None or order.ended_at is not None:
        return None
    last = order.measures[-1]
    if active.mode is not last.mode or not _tested_free(around, order, contact) or not _link_free(around, contact):
        return None
    return ReleaseDue(
        statement_id=statement_id("release", order.order_id, around.person_id),
        person_id=around.person_id,
        order_id=order.order_id,
        due_at=last.until_at,
        edition=plan_behind(around, order, contact).edition,
    )


def _tested_free(around: Surroundings, order: Order, contact: Contact | None) -> bool:
    """A negative sample on each test date or before the next one, and no positive since the order was served."""
    if any(test.result is Result.POSITIVE and test.sampled_at >= order.served_at for test in around.tests):
        return False
    dates = _test_dates(around, order, contact)
    negatives = {policy.day_of(test.sampled_at) for test in around.tests if test.result is Result.NEGATIVE}
    return all(any(day <= at < after for at in negatives) for day, after in pairwise((*dates, date.max)))


def _test_dates(around: Surroundings, order: Order, contact: Contact | None) -> list[date]:
    """Those that the order names; for a measure without any, those of the plan from where it was first carried out."""
    plan = plan_behind(around, order, contact)
    begun = {measure_of(order, p): p for p in reversed(in_order(around.placements)) if order_of(around, p) is order}
    planned = {day for measure, placement in begun.items() for day in test_dates_of(measure, placement, plan)}
    return sorted(planned.union(*(measure.test_dates for measure in order.measures)))


def _link_free(around: Surroundings, contact: Contact | None) -> bool:
    """A secondary contact waits for the linked contact's first two tests (ed. 8, ed. 9)."""
    if contact is None or contact.fact.category is not Category.SECONDARY:
        return True
    links = around.neighbours[contact.fact.linked_id].close_for(around.person_id)
    met = [link for link in links if link.first_at <= contact.fact.last_exposure_at]
    return bool(met) and met[-1].first_tests_negative


def samplings_of(around: Surroundings) -> Iterator[SamplingDue]:
    """A member of a positive tube owes a sample of his own until one has a result (Notice 003 §2)."""
    for tube in around.positive_tubes:
        if not any(test.sampled_at > tube.resulted_at for test in around.tests):
            yield SamplingDue(
                statement_id=statement_id("sampling", tube.tube_id, around.person_id),
                person_id=around.person_id,
                tube_id=tube.tube_id,
                since_at=tube.resulted_at,
            )
