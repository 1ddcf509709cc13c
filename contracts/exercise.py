"""An exercise is a world of its own: what is said in it changes nothing in earnest, and the other way round.

Whoever judges by several facts keeps those of an exercise under other ids (`apart`), so that no rule and no query
brings the two together, and says what follows under the ids that were named (`as_named`). No sender is expected to
begin an id of its own with the mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.envelope import Event, F
from contracts.events.people import PersonsMerged

MARK = "~"
"""With it ids begin in an exercise, and so does what is hashed of them."""
IDS = ("person_id", "other_id", "linked_id", "tube_id", "order_id", "placement_id", "lead_id", "about_id")


def apart(event: Event[F]) -> Event[F]:
    """An event of an exercise with its persons, tubes, orders, placements and leads set apart; any other as it is."""
    if not event.drill:
        return event
    data = set_apart(event.data)
    return event.model_copy(update={"data": data, "subject": str(getattr(data, data.key_field))})


def set_apart(fact: F) -> F:
    """The fact as an exercise keeps it."""
    ids: dict[str, Any] = {name: set_apart_id(each) for name in IDS if (each := getattr(fact, name, None)) is not None}
    if members := getattr(fact, "members", ()):
        ids["members"] = tuple(each.model_copy(update={"person_id": set_apart_id(each.person_id)}) for each in members)
    return fact.model_copy(update=ids)


def as_named(fact: F, *, drill: bool) -> F:
    """The fact as it is said: that of an exercise under the ids that were named, any other as it is."""
    if not drill:
        return fact
    ids: dict[str, Any] = {
        name: named_id(each, drill=drill) for name in IDS if (each := getattr(fact, name, None)) is not None
    }
    if matters := getattr(fact, "matters", ()):
        orders = [each.follows_order_id and named_id(each.follows_order_id, drill=drill) for each in matters]
        pairs = zip(matters, orders, strict=True)
        ids["matters"] = tuple(each.model_copy(update={"follows_order_id": order}) for each, order in pairs)
    return fact.model_copy(update=ids)


def both_worlds(event: Event[F]) -> Iterator[Event[F]]:
    """The event, apart if it is of an exercise. That two are one person holds in exercises as well, and is said twice:
    in earnest, where one said in an exercise joins nobody, and apart, under a statement of its own.
    """
    fact = event.data
    if not isinstance(fact, PersonsMerged):
        yield apart(event)
        return
    earnest = fact.model_copy(update={"withdrawn": True}) if event.drill else fact
    yield event.model_copy(update={"drill": False, "data": earnest})
    own = fact.model_copy(update={"statement_id": set_apart_id(fact.statement_id)})
    yield apart(event.model_copy(update={"drill": True, "data": own}))


def is_said_apart(statement_id: str) -> bool:
    """Whether a statement derived in an exercise was said of what is set apart: before there was this, it was not."""
    return f":{MARK}" in statement_id


def set_apart_id(each: str) -> str:
    """The id of somebody, or of something, in an exercise."""
    return MARK + each


def is_apart(each: str) -> bool:
    """Whether the id is one of an exercise."""
    return each.startswith(MARK)


def named_id(each: str, *, drill: bool) -> str:
    """The id as it was named, in an exercise or in earnest."""
    return each.removeprefix(MARK) if drill else each
