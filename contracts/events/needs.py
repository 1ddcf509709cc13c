"""Needs of people in quarantine: what they asked for, and that they got it (Notice 000 §2; Notice 003 §5)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from contracts.envelope import Fact, Id, Instant, fact


class NeedKind(StrEnum):
    """What is asked for; in words it would say more of a home than anybody needs to know."""

    FOOD = "food"
    MEDICINE = "medicine"
    MEDICAL_CARE = "medical_care"
    DAILY_GOODS = "daily_goods"
    CARE_OF_CHILDREN_OR_OLD = "care_of_children_or_old"
    COMFORT = "comfort"
    OTHER = "other"


@fact
class NeedAsked(Fact):
    """Somebody asked for help. need_id: the record's."""

    type: ClassVar[str] = "need-asked"

    person_id: Id
    need_id: Id
    need: NeedKind
    asked_at: Instant


@fact
class NeedMet(Fact):
    """What was asked for was brought or done."""

    type: ClassVar[str] = "need-met"

    person_id: Id
    need_id: Id
    met_at: Instant
    met_by: Id
