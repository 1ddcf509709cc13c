"""Where a person stands, and what is due for each placement (domain §3, five tiers, health monitoring)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from contracts import policy
from contracts.events.contacts import Category
from contracts.events.quarantine import Care, CareScheduled, Measure, Mode, QuarantineProposed
from services.tracing.rules.contacts import Contact, plan_at
from services.tracing.rules.orders import latest_order, order_of
from services.tracing.rules.plans import CHECKS_PER_DAY
from services.tracing.rules.statements import statement_id
from services.tracing.rules.surroundings import Order, Placement, Surroundings

_CARE = {
    Mode.HOSPITAL: Care.ISOLATED,
    Mode.CENTRAL_QUARANTINE: Care.CENTRAL_QUARANTINE,
    Mode.HOME_QUARANTINE: Care.HOME_QUARANTINE,
    Mode.HOME_HEALTH_MONITORING: Care.HOME_HEALTH_MONITORING,
}


def active_placement(around: Surroundings) -> Placement | None:
    """Where the person is now: in hospital if anywhere there, else in the placement begun last."""
    active = (placement for placement in around.placements if placement.ended_at is None)
    return max(active, key=lambda p: (p.mode is Mode.HOSPITAL, p.started_at, p.placement_id), default=None)


def in_order(placements: Iterable[Placement]) -> list[Placement]:
    """As they were begun."""
    return sorted(placements, key=lambda placement: (placement.started_at, placement.placement_id))


def care_of(
    around: Surroundings, proposal: QuarantineProposed | None, found_at: datetime | None
) -> tuple[Care, datetime | None]:
    """The state and since when. An ended order is an end: only a hospital bed goes before it, no derivation does."""
    active, order = active_placement(around), latest_order(around)
    if active is not None and active.mode is Mode.HOSPITAL:
        return Care.ISOLATED, active.started_at
    if order is not None and order.ended_at is not None:
        return Care.RELEASED, order.ended_at
    if active is not None:
        return _CARE[active.mode], active.started_at
    if order is not None:
        left = (placement.ended_at for placement in around.placements if placement.ended_at is not None)
        return Care.AWAITING_TRANSFER, max((order.served_at, *left))
    return (Care.AWAITING_ORDER, found_at) if proposal is not None else (Care.NONE, None)


def measure_of(order: Order, placement: Placement) -> Measure:
    """The measure of the placement's mode; where the order names none, the one in force when the placement began."""
    same = [measure for measure in order.measures if measure.mode is placement.mode]
    begun = [measure for measure in same or order.measures if measure.from_at <= placement.started_at]
    return begun[-1] if begun else (same or order.measures)[0]


def schedules_of(around: Surroundings, contact: Contact | None) -> Iterator[CareScheduled]:
    """What is due for each placement that was ordered, past ones too: from its start until its end or the measure's."""
    for placement in around.placements:
        order = order_of(around, placement)
        if order is None or placement.mode is Mode.HOSPITAL:
            continue
        measure = measure_of(order, placement)
        ends = (measure.until_at, placement.ended_at, order.ended_at)
        until_at = min(end for end in ends if end is not None)
        if until_at <= placement.started_at:
            continue
        plan = plan_behind(around, order, contact)
        yield CareScheduled(
            statement_id=statement_id("care", placement.placement_id, around.person_id),
            person_id=around.person_id,
            placement_id=placement.placement_id,
            mode=placement.mode,
            from_at=placement.started_at,
            until_at=until_at,
            checks_per_day=plan.checks_per_day if isinstance(plan, policy.Plan) else CHECKS_PER_DAY,
            test_dates=_dates_within(test_dates_of(measure, placement, plan), placement.started_at, until_at),
            edition=plan.edition,
            standing=plan.standing,
        )


def plan_behind(around: Surroundings, order: Order, contact: Contact | None) -> policy.Plan | policy.NoPlan:
    """The plan behind an order: of its contact when found, else of a close contact when the order was served."""
    matter = contact.matter_of(order.served_at) if contact else None
    category, instant = (matter.category, matter.found_at) if matter else (Category.CLOSE, order.served_at)
    return plan_at(category, instant, around.division_code, around.adoptions)


def test_dates_of(measure: Measure, placement: Placement, plan: policy.Plan | policy.NoPlan) -> tuple[date, ...]:
    """The dates that the order names, else those of the plan's phase of that mode, counted from the placement."""
    if measure.test_dates or isinstance(plan, policy.NoPlan):
        return measure.test_dates
    for phase in plan.phases:
        if phase.mode.value == measure.mode.value:
            span = policy.Span(
                mode=phase.mode, from_at=measure.from_at, until_at=measure.until_at, test_days=phase.test_days
            )
            return policy.test_dates(span, placement.started_at)
    return ()


def _dates_within(dates: tuple[date, ...], from_at: datetime, until_at: datetime) -> tuple[date, ...]:
    first = policy.day_of(from_at)
    return tuple(day for day in dates if first <= day and policy.start_of_day(day) < until_at)
