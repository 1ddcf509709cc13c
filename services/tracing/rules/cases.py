"""Who is a case, and from when until when a case can expose others (domain §3, lookback; §7)."""

from __future__ import annotations

from datetime import datetime

from contracts.events.cases import Classification, FoundHow
from contracts.events.quarantine import Mode
from contracts.events.testing import Result
from services.tracing.rules.surroundings import CasePart, Classified, Finding, Surroundings

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
    ill_at = _reference_at(around)
    return CasePart(reference_at=ill_at, isolated_at=_isolated_at(around, ill_at), known_at=_known_at(around))


def _known_at(around: Surroundings) -> datetime:
    """When it was first known of a case that stands; what was excluded meanwhile begins anew."""
    return min(one.said_since for one in _standing(around))


def _excluded(around: Surroundings) -> Classified | None:
    """The last exclusion: what was believed before it was not so."""
    return max((one for one in around.classifications if one.classification not in CASES), key=_order, default=None)


def _standing(around: Surroundings) -> list[Classified]:
    last = _excluded(around)
    return [one for one in around.classifications if last is None or _order(one) > _order(last)]


def _findings(around: Surroundings) -> list[Finding]:
    last = _excluded(around)
    return [one for one in around.findings if last is None or one.found_at > last.classified_at]


def _reference_at(around: Surroundings) -> datetime:
    """From where the lookback counts: onset, first positive sample or finding, whichever came first (ed. 6).

    Of what became known since the person was last excluded, if ever. A case of whom none of these is known counts from
    the first classification.
    """
    last, findings = _excluded(around), _findings(around)
    known = [finding.found_at for finding in findings]
    known += [finding.onset_at for finding in findings if finding.onset_at is not None]
    tests = (test for test in around.tests if last is None or test.resulted_at > last.classified_at)
    known += [test.sampled_at for test in tests if test.result is Result.POSITIVE]
    return min(known or [one.classified_at for one in _standing(around)])


def _isolated_at(around: Surroundings, ill_at: datetime) -> datetime | None:
    """A case exposes nobody from the first day in hospital on; None: not yet isolated.

    A stay that was over before the illness isolated nobody from it.
    """
    stays = (placement for placement in around.placements if placement.mode is Mode.HOSPITAL)
    return min((stay.started_at for stay in stays if stay.ended_at is None or stay.ended_at > ill_at), default=None)


def found_how(around: Surroundings) -> FoundHow | None:
    """The way in which the case first came to light; a later finding of the same person does not change it."""
    first = min(_findings(around), key=lambda finding: (finding.found_at, finding.statement_id), default=None)
    return first.found_how if first else None
