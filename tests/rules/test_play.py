"""What a play says at its end: whatever is not the truth, and words that look like markup as they are."""

from __future__ import annotations

import io

from rich.console import Console

from deploy.fleet import FleetError
from deploy.play.compare import Observed, differences
from deploy.play.player import Played
from deploy.play.summary import print_summary
from deploy.watching import say_stopped

LOOKS_LIKE_MARKUP = "tracing ended: [red] no lane [/tests] of [bold]"


def a_console() -> tuple[Console, io.StringIO]:
    said = io.StringIO()
    return Console(file=said, width=200), said


def nothing_observed(**others: object) -> Observed:
    """What is read from services that have heard nothing."""
    empty = {"figures": {}, "names": {}, "states": {}, "strangers": 0, "ledger": {}, "owed": [], "dead_letters": {},
             "drift": 0, "today": {}, "lanes": 0, "applied": 0, "played": Played()}  # fmt: skip
    return Observed(**{**empty, **others})  # type: ignore[arg-type]


def test_an_obituary_is_shown_as_it_is() -> None:
    console, said = a_console()
    say_stopped(console, FleetError(LOOKS_LIKE_MARKUP), "Not measured")
    assert said.getvalue() == f"Not measured: {LOOKS_LIKE_MARKUP}\n"


def test_a_difference_and_what_is_owed_are_shown_as_they_are() -> None:
    console, said = a_console()
    print_summary(console, nothing_observed(owed=[LOOKS_LIKE_MARKUP]), [f"state {LOOKS_LIKE_MARKUP}"], 0.1, 1)
    assert said.getvalue().count(LOOKS_LIKE_MARKUP) == 2


def test_a_figure_that_the_truth_does_not_know_is_a_difference() -> None:
    truth = {"figures": {"33": {"isolated": 2}}, "end_states": {}, "ledger": {}, "worker": {"today": {}}}
    assert differences(truth, nothing_observed(figures={"33": {"isolated": 2, "new-one": 0}})) == []
    wrong = differences(truth, nothing_observed(figures={"33": {"isolated": 2, "new-one": 7}}))
    assert wrong == ["figure 33 new-one: 7 instead of 0"]
