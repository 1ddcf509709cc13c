"""What the policy would do about a contact. A proposal binds nobody: people order, rules propose."""

from __future__ import annotations

from contracts import policy
from contracts.events.contacts import Category
from contracts.events.quarantine import Measure, Mode, QuarantineProposed
from services.tracing.rules.contacts import Contact, plan_at
from services.tracing.rules.orders import latest_order
from services.tracing.rules.statements import statement_id
from services.tracing.rules.surroundings import Surroundings

CHECKS_PER_DAY = 2
"""Temperature and symptoms morning and evening in every tier (domain §3, health monitoring; certainty B)."""

_MODES = {
    policy.Mode.CENTRAL_QUARANTINE: Mode.CENTRAL_QUARANTINE,
    policy.Mode.HOME_QUARANTINE: Mode.HOME_QUARANTINE,
    policy.Mode.HOME_HEALTH_MONITORING: Mode.HOME_HEALTH_MONITORING,
    # Ed. 2 to 5 leave it to the place: what takes less from the person is proposed.
    policy.Mode.HOME_OR_CENTRAL_QUARANTINE: Mode.HOME_QUARANTINE,
}


def plan_of(around: Surroundings, contact: Contact) -> policy.Plan | policy.NoPlan:
    """The plan of the edition in force when the contact was found."""
    fact = contact.fact
    return plan_at(fact.category, fact.found_at, around.division_code, around.adoptions)


def proposal_of(around: Surroundings, contact: Contact | None, *, is_case: bool) -> QuarantineProposed | None:
    """Open while there is a contact with a plan, who is no case, and no order that answers this exposure."""
    if contact is None or is_case or contact.fact.category is Category.CASUAL or _answered(around, contact):
        return None
    plan = plan_of(around, contact)
    measures = measures_of(plan, contact) if isinstance(plan, policy.Plan) else ()
    if not measures:
        return None
    return QuarantineProposed(
        statement_id=statement_id("proposal", around.person_id),
        person_id=around.person_id,
        category=contact.fact.category,
        measures=measures,
        edition=plan.edition,
        standing=plan.standing,
        found_at=contact.fact.found_at,
    )


def measures_of(plan: policy.Plan, contact: Contact) -> tuple[Measure, ...]:
    """The phases that are not over when the contact is found: found late, only the remaining days (ed. 8)."""
    found_at = contact.fact.found_at
    return tuple(
        Measure(
            mode=_MODES[span.mode],
            from_at=span.from_at,
            until_at=span.until_at,
            test_dates=policy.test_dates(span, found_at),
        )
        for span in policy.phase_spans(plan, contact.fact.last_exposure_at)
        if span.until_at > found_at
    )


def _answered(around: Surroundings, contact: Contact) -> bool:
    """An order answers every exposure up to its end; only one after that end is a new matter."""
    order = latest_order(around)
    return order is not None and (order.ended_at is None or contact.fact.last_exposure_at <= order.ended_at)
