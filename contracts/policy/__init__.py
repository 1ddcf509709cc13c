"""The plans as data, and what the services ask of them. Pure: no clock, no network, no database.

`edition_at` names the edition in force; `deadline`, `quarantine_plan` and `lookback` answer for an instant and a
division; `phase_spans`, `test_dates` and `slots_between` lay an answer over Shanghai days; `overlays` lists the local
rules that are known. In a test module call `policy.test_dates`: imported by name, pytest takes it for a test.
"""

from contracts.events.contacts import Category, Standing
from contracts.policy.adoption import Adoption, bound_by
from contracts.policy.answers import NO_EDITION, Answer, Deadline, Lookback, NoPlan, Plan, Retention
from contracts.policy.days import SHANGHAI, day_of, end_of_day, slots_between, start_of_day
from contracts.policy.editions import Certainty, Edition, Mode, NoEdition, Phase, edition_at, editions
from contracts.policy.overlays import Overlay, overlays
from contracts.policy.questions import (
    LOOKBACK,
    PLAN_KEYS,
    UnknownKey,
    deadline,
    deadline_keys,
    known_rules,
    lookback,
    measures_ended_at,
    quarantine_plan,
    retention,
    starts,
)
from contracts.policy.spans import Span, phase_spans, test_dates

__all__ = [
    "LOOKBACK",
    "NO_EDITION",
    "PLAN_KEYS",
    "SHANGHAI",
    "Adoption",
    "Answer",
    "Category",
    "Certainty",
    "Deadline",
    "Edition",
    "Lookback",
    "Mode",
    "NoEdition",
    "NoPlan",
    "Overlay",
    "Phase",
    "Plan",
    "Retention",
    "Span",
    "Standing",
    "UnknownKey",
    "bound_by",
    "day_of",
    "deadline",
    "deadline_keys",
    "edition_at",
    "editions",
    "end_of_day",
    "known_rules",
    "lookback",
    "measures_ended_at",
    "overlays",
    "phase_spans",
    "quarantine_plan",
    "retention",
    "slots_between",
    "start_of_day",
    "starts",
    "test_dates",
]
