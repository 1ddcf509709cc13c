"""That two are one person, in earnest and in exercises: whichever of them a revision is of, the newest alone stands."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest

from contracts.envelope import Event, say
from contracts.events.people import PersonsMerged
from contracts.exercise import both_worlds

NOW = datetime(2022, 3, 5, tzinfo=UTC)
EARNEST, PLAYED = ("p1", "p2"), ("~p1", "~p2")


def a_merge(revision: int, *, drill: bool, withdrawn: bool = False) -> Event[PersonsMerged]:
    fact = PersonsMerged(
        statement_id="m1",
        revision=revision,
        withdrawn=withdrawn,
        person_id="p1",
        other_id="p2",
        decided_at=NOW,
        decided_by="post-1",
    )
    return say(fact, source="intake", time=NOW, division="3304", cause="r1", drill=drill)


def standing(*events: Event[PersonsMerged]) -> set[tuple[str, str]]:
    """Who is joined once all were heard, as services keep it: the newest revision of each statement."""
    newest: dict[str, PersonsMerged] = {}
    for fact in (each.data for event in events for each in both_worlds(event)):
        known = newest.get(fact.statement_id)
        if known is None or known.revision < fact.revision:
            newest[fact.statement_id] = fact
    return {(fact.person_id, fact.other_id) for fact in newest.values() if not fact.withdrawn}


@pytest.mark.parametrize(
    ("revisions", "joined"),
    [
        ([a_merge(1, drill=False)], {EARNEST, PLAYED}),
        ([a_merge(1, drill=True)], {PLAYED}),
        ([a_merge(1, drill=False), a_merge(2, drill=True)], {PLAYED}),
        ([a_merge(1, drill=True), a_merge(2, drill=False)], {EARNEST, PLAYED}),
        ([a_merge(1, drill=False), a_merge(2, drill=True), a_merge(3, drill=True, withdrawn=True)], set()),
        ([a_merge(1, drill=True), a_merge(2, drill=False, withdrawn=True)], set()),
    ],
)
def test_the_newest_revision_of_a_merge_says_in_which_world_it_holds(
    revisions: list[Event[PersonsMerged]], joined: set[tuple[str, str]]
) -> None:
    for heard in permutations(revisions):
        assert standing(*heard) == joined
