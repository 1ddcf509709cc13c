"""Figures as data: what counts, of whom, when and where. A closed set, proved by a test.

A figure is the number of distinct subjects that count at rest, never a number of statements. Drill events make the
same contributions; whoever counts them keeps them apart (`Event.drill` belongs into the figure's key).
"""

from __future__ import annotations

from typing import Any

from contracts.envelope import Event, Fact
from contracts.indicators.clocks import CLOCKS
from contracts.indicators.fieldwork import FIELDWORK
from contracts.indicators.following import FOLLOWING
from contracts.indicators.indicator import Contribution, Indicator
from contracts.indicators.persons import PERSONS
from contracts.policy.days import day_of

INDICATORS: tuple[Indicator, ...] = (*FIELDWORK, *PERSONS, *FOLLOWING, *CLOCKS)
BY_CODE: dict[str, Indicator] = {indicator.code: indicator for indicator in INDICATORS}
OF_FACT: dict[type[Fact], tuple[Indicator, ...]] = {
    fact: tuple(indicator for indicator in INDICATORS if indicator.fact is fact)
    for fact in {indicator.fact for indicator in INDICATORS}
}


def contributions(event: Event[Any]) -> tuple[Contribution, ...]:
    """What the event's statement counts for; nothing when it is withdrawn or no indicator counts its fact."""
    fact = event.data
    if fact.withdrawn:
        return ()
    found = []
    for indicator in OF_FACT.get(type(fact), ()):
        if indicator.counts(fact):
            at = indicator.at(event)
            day = day_of(at)
            for subject, division in indicator.subjects(event):
                found.append(Contribution(indicator.code, subject, day, at, division))
    return tuple(found)


__all__ = ["BY_CODE", "INDICATORS", "OF_FACT", "Contribution", "Indicator", "contributions"]
