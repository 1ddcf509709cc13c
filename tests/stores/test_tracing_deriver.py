"""Tracing on a real PostgreSQL: facts in by batches, state out by turns of the deriver."""

from __future__ import annotations

from contracts.events.contacts import Category
from tests.stores.tracing_facts import a_classification, a_finding, an_exposure, at, heard, tracing_on


async def test_a_case_and_an_exposure_make_a_contact(database: str) -> None:
    tracing = await tracing_on(database)
    async with tracing.connection() as tx:
        await tracing.hear(tx, [heard(a_classification("A"), at(5, 9)), heard(a_finding("A"), at(5, 9))])
        await tracing.settle(tx)
        await tracing.hear(tx, [heard(an_exposure("B", "A"), at(5, 10))])
        said = await tracing.settle(tx)
    assert [(e.type, e.subject) for e in said] == [
        ("contact-identified", "B"),
        ("quarantine-proposed", "B"),
        ("episode-changed", "B"),
    ]
    assert said[0].data.category is Category.CLOSE
    assert said[0].time == at(5, 10)
