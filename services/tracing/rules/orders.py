"""When orders and what carried them out were over: people end an order, and what they ended stays ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from contracts.events.quarantine import Mode
from services.tracing.rules.surroundings import Order, Placement, Surroundings


def settled(around: Surroundings) -> Surroundings:
    """The same, with the ends that follow from those that people have stated.

    An order ended with a later one that took its place: when that one was ended, its own measures or the later ones
    were over. A placement that nobody ended, outside a hospital, ended when no order that it carried out stood.
    """
    if all(order.ended_at is None for order in around.orders):
        return around
    orders = tuple(_with_its_end(order, around.orders) for order in around.orders)
    placements = tuple(_left_with_its_orders(placement, orders) for placement in around.placements)
    return replace(around, orders=orders, placements=placements)


class Quarantine(NamedTuple):
    """From the first of orders that stood one after another without a gap until none of them stood."""

    first_order_id: str
    ended_at: datetime


def quarantines_ended(orders: Iterable[Order]) -> list[Quarantine]:
    """Those that are over, in order; what comes after one is a new matter."""
    return [each for each in _quarantines(orders) if each.ended_at is not _OPEN]


def latest_order(around: Surroundings) -> Order | None:
    """The one served last of those that nobody ended; where all are, the one that ended last."""
    return max(
        around.orders, key=lambda order: (order.ended_at or _OPEN, order.served_at, order.order_id), default=None
    )


def order_of(around: Surroundings, placement: Placement) -> Order | None:
    """The order that a placement carries out: the last one served of those that stood at its end.

    Where none stood any longer, the one that ended last; where none was served yet, the first one.
    """
    left_at = placement.ended_at or _OPEN
    before = [order for order in around.orders if order.served_at <= left_at]
    if not before:
        return min(around.orders, key=_served, default=None)
    return max(before, key=lambda order: (min(order.ended_at or _OPEN, left_at), *_served(order)))


_OPEN = datetime.max.replace(tzinfo=UTC)


def _served(order: Order) -> tuple[datetime, str]:
    return order.served_at, order.order_id


def _with_its_end(order: Order, orders: Iterable[Order]) -> Order:
    if order.ended_at is not None:
        return order
    ends = ((other, other.ended_at) for other in orders if _served(other) > _served(order))
    over = [end for other, end in ends if end is not None and end >= min(_over_at(order), _over_at(other))]
    return replace(order, ended_at=min(over, default=None))


def _over_at(order: Order) -> datetime:
    return max(measure.until_at for measure in order.measures)


def _left_with_its_orders(placement: Placement, orders: Iterable[Order]) -> Placement:
    if placement.ended_at is not None or placement.mode is Mode.HOSPITAL:
        return placement
    left_at = next((each.ended_at for each in _quarantines(orders) if each.ended_at > placement.started_at), _OPEN)
    return placement if left_at is _OPEN else replace(placement, ended_at=left_at)


def _quarantines(orders: Iterable[Order]) -> list[Quarantine]:
    found: list[Quarantine] = []
    for order in sorted(orders, key=_served):
        end = max(order.ended_at or _OPEN, order.served_at)
        if found and order.served_at <= found[-1].ended_at:
            found[-1] = found[-1]._replace(ended_at=max(found[-1].ended_at, end))
        else:
            found.append(Quarantine(order.order_id, end))
    return found
