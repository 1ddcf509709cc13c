"""Which ids a record gave its people and its dwelling when it was first admitted, as the log tells.

For an intake whose database was put back: senders send again what it has forgotten, the log has not. An id is drawn
from the record's own id, its revision and the place of the name in it, so a record that met somebody first draws the
same id again. Who was first met in another record that has not come again yet is known by the facts of this one.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.envelope import Event, Fact
from contracts.events.canvassing import ArrivalRegistered, CaseScreened, HouseholdCanvassed
from contracts.events.contacts import ExposureNamed
from contracts.events.people import PersonsMerged
from contracts.events.testing import TubeSampled
from services.intake.rules.statements import Saying


def adopted(facts: Sequence[Fact], drawn: Sequence[str], known: Sequence[str | None]) -> list[str]:
    """The id that each name takes if it is new: the log's where it is certain whose that is, else the one drawn.

    facts: what the log holds of this record at this revision. drawn, known: by place, the people, then the dwelling;
    known is what the vault says.
    """
    ids, places = list(drawn), len(drawn)
    in_doubt: set[str] = set()
    for fact in facts:
        match fact:
            case HouseholdCanvassed():
                ids[-1] = fact.dwelling_id
            case CaseScreened() | ArrivalRegistered():
                in_doubt.add(fact.person_id)
            case TubeSampled() if len(fact.members) == places:
                ids = [member.person_id for member in fact.members]
            case ExposureNamed() | PersonsMerged():
                ids = [fact.person_id, fact.other_id]
            case _ if places == 1:
                ids = [getattr(fact, "person_id", drawn[0])]
    return _only_one_left(ids, in_doubt, known) if in_doubt else ids


def _only_one_left(ids: list[str], in_doubt: set[str], known: Sequence[str | None]) -> list[str]:
    """Members of a household lie in the log without their places: the last one nobody else can be is certain."""
    left = in_doubt - set(ids) - set(known)
    unknown = [place for place, each in enumerate(ids[:-1]) if known[place] is None and each not in in_doubt]
    if len(left) == len(unknown) == 1:
        ids[unknown[0]] = left.pop()
    return ids


def taken_back(held: Sequence[Event[Fact]], now_said: Sequence[Saying], revision: int) -> list[Event[Fact]]:
    """What the log holds of this record at this revision about others than those it now means: one revision on."""
    kept = {saying.fact.statement_id for saying in now_said}
    return [
        event.model_copy(update={"data": event.data.model_copy(update={"revision": revision + 1, "withdrawn": True})})
        for event in held
        if event.data.statement_id not in kept and not event.data.withdrawn
    ]
