"""Who holds a lead and what became of it, in whatever order the steps come; and the clocks that follow from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.events.contacts import Standing
from contracts.events.deadlines import Verdict
from contracts.leads import LeadState, LeadStep, Tenure, may_act, tenures
from contracts.policy import Adoption, deadline
from services.alerts.rules import LeadFact, judge, lead_clocks

T0, HOUR = datetime(2022, 3, 5, tzinfo=UTC), timedelta(hours=1)
HERE, THERE = "330421001001001", "330421001002"


def step(hours: float, did: LeadState, division: str = HERE, to: str | None = None) -> LeadStep:
    return LeadStep(T0 + hours * HOUR, f"{hours}", division, did, to)


def held(*steps: LeadStep) -> list[Tenure]:
    return tenures("received", HERE, T0, steps)


def test_a_lead_is_open_until_its_division_does_something_and_the_last_word_holds() -> None:
    assert held()[0].state is LeadState.OPEN
    [now] = held(step(1, LeadState.NOT_FOUND), step(2, LeadState.LANDED))
    assert (now.state, now.answered_at) == (LeadState.LANDED, T0 + HOUR)


def test_passing_on_ends_one_tenure_and_begins_the_next_and_only_the_holder_counts() -> None:
    first, second, third = held(
        step(1, LeadState.PASSED_ON, HERE, THERE),
        step(2, LeadState.LANDED),  # by the division that has it no longer
        step(3, LeadState.PASSED_ON, THERE, HERE),
    )
    assert (first.state, first.until_at, second.since_at) == (LeadState.PASSED_ON, T0 + HOUR, T0 + HOUR)
    assert (second.division_code, second.answered_at) == (THERE, T0 + 3 * HOUR)
    assert (third.division_code, third.state, third.begun_by) == (HERE, LeadState.OPEN, "3")


def test_of_one_instant_the_steps_of_whoever_holds_it_come_first_and_passing_on_last() -> None:
    both = held(step(1, LeadState.LANDED, THERE), step(1, LeadState.PASSED_ON, HERE, THERE)._replace(id="z"))
    assert [each.state for each in both] == [LeadState.PASSED_ON, LeadState.LANDED]
    [now] = held(step(1, LeadState.CLOSED)._replace(id="a"), step(1, LeadState.NOT_FOUND)._replace(id="b"))
    assert now.state is LeadState.CLOSED


def test_a_division_may_act_while_it_holds_a_lead_and_for_times_in_which_it_did() -> None:
    both = held(step(2, LeadState.PASSED_ON, HERE, THERE))
    assert may_act(both, HERE, T0 + HOUR) and may_act(both, HERE, T0 - HOUR)
    assert not may_act(both, HERE, T0 + 3 * HOUR) and not may_act(both, THERE, T0 + HOUR)
    assert may_act(both, THERE, T0 + 3 * HOUR)


STEPS = st.lists(
    st.builds(
        step,
        st.integers(0, 9),
        st.sampled_from([each for each in LeadState if each is not LeadState.OPEN]),
        st.sampled_from([HERE, THERE]),
        st.sampled_from([HERE, THERE]),
    ),
    unique_by=lambda each: each.id,
    max_size=6,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_the_order_in_which_steps_come_does_not_matter(steps: list[LeadStep], chance: object) -> None:
    shuffled = list(steps)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert held(*shuffled) == held(*steps)


def fact(did: str, hours: float, **more: object) -> LeadFact:
    said = {"statement_id": f"{did} {hours}", "division_code": HERE, "did": did, "at": T0 + hours * HOUR}
    rest = {"to_division_code": None, "source": None, "recorded_at": T0 + hours * HOUR, "drill": False}
    return LeadFact(**{**said, **rest, **more})  # type: ignore[arg-type]


def test_each_division_that_holds_a_lead_has_its_own_clock_by_where_the_lead_came_from() -> None:
    passed = fact("passed_on", 1, to_division_code=THERE)
    one, two = lead_clocks("lead", [passed, fact("open", 0, source="letter")])
    assert (one.deadline, one.opening.started_at, one.stop and one.stop.stopped_at) == (
        "land.lead.letter", T0, T0 + HOUR,
    )  # fmt: skip
    assert (two.opening.division_code, two.opening.started_at, two.stop) == (THERE, T0 + HOUR, None)
    assert not list(lead_clocks("lead", [passed])), "a lead that was withdrawn has no clock"


def test_no_plan_states_hours_for_leads_and_those_of_the_jurisdiction_bind_there_alone() -> None:
    own = Adoption(
        division_code="3304", key="land.lead.letter", adopted_from=T0, decided_by="command", document="No. 3", hours=2
    )
    [clock] = lead_clocks("lead", [fact("open", 0, source="letter")])
    blank = judge(clock.deadline, clock.opening, None, T0 + 9 * HOUR, [])
    assert (blank.verdict, blank.standing) == (Verdict.UNLIMITED, Standing.BLANK)
    bound = judge(clock.deadline, clock.opening, None, T0 + 3 * HOUR, [own])
    assert (bound.verdict, bound.standing, bound.due_at) == (Verdict.MISSED, Standing.ADOPTED, T0 + 2 * HOUR)
    assert "No. 3" in deadline(clock.deadline, T0, HERE, [own]).source
    assert deadline(clock.deadline, T0, "3305", [own]).hours is None
    in_force = own.model_copy(update={"key": "transfer.contact.to_quarantine"})
    assert deadline(in_force.key, T0, HERE, [in_force]).hours == 12
