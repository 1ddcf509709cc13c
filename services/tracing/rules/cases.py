"""Who is a case, and from when until when a case can expose others (domain §3, lookback; §7)."""

from __future__ import annotations

from datetime import datetime

from contracts.events.cases import Classification, FoundHow
from contracts.events.quarantine import Mode
from contracts.events.testing import Result
from services.tracing.rules.surroundings import CasePart, Classified, Surroundings

CASES = frozenset(Classification) - {Classification.EXCLUDED}
"""Contacts of suspected persons are quarantined too (Notice 002), and of preliminary positives (Notice 003)."""


def classification_of(around: Surroundings) -> Classified | None:
    """The latest classification: by the time it was made, then received, then the statement's id."""
    return max(around.classifications, key=_order, default=None)


def _order(one: Classified) -> tuple[datetime, datetime, str]:
    return one.classified_at, one.event_time, one.statement_id


def case_part(around: Surroundings) -> CasePart | None:
    """What makes this person a case for others; None for whoever is not, or no longer."""
    latest = classification_of(around)
    if latest is None or latest.classification not in CASES:
        return None
    return CasePart(
        reference_at=reference_at(around),
        isolated_at=isolated_at(around),
        known_at=_known_at(around),
    )


def _known_at(around: Surroundings) -> datetime:
    """When it was first known of a case that stands; what was excluded meanwhile begins anew."""
    excluded = [_order(one) for one in around.classifications if one.classification not in CASES]
    standing = [one for one in around.classifications if not excluded or _order(one) > max(excluded)]
    return min(one.received_at for one in standing)


def reference_at(around: Surroundings) -> datetime:
    """From where the lookback counts: onset, first positive sample or finding, whichever came first (ed. 6).

    A case of whom none of these is known counts from the first classification.
    """
    known = [finding.found_at for finding in around.findings]
    known += [finding.onset_at for finding in around.findings if finding.onset_at is not None]
    known += [test.sampled_at for test in around.tests if test.result is Result.POSITIVE]
    return min(known or [c.classified_at for c in around.classifications if c.classification in CASES])


def isolated_at(around: Surroundings) -> datetime | None:
    """A case exposes nobody from the first day in hospital on; None: not yet isolated."""
    starts = (placement.started_at for placement in around.placements if placement.mode is Mode.HOSPITAL)
    return min(starts, default=None)


def found_how(around: Surroundings) -> FoundHow | None:
    """The way in which the case first came to light; a later finding of the same person does not change it."""
    first = min(around.findings, key=lambda finding: (finding.found_at, finding.statement_id), default=None)
    return first.found_how if first else None
