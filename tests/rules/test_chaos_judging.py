"""The judgement of chaos: every way in which a run can be wrong is told, and a right one says nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.chaos.chronicle import Chronicle
from tests.faults.chaos.dumps import DUMPS
from tests.faults.chaos.judging import Verdicts, judge, judge_accounts, not_reached
from tests.faults.chaos.log import Count, Log, count
from tests.faults.chaos.outcome import Outcome
from tests.faults.chaos.schedule import NOTHING, SHORT
from tests.faults.chaos.sender import Account
from tests.faults.chaos.windows import WINDOWS

LANE, OTHER = ("t", 0), ("t", 1)
WHOLE = {what: ["row"] for what in DUMPS}
TWICE = {**WHOLE, "clocks": ["row", "row"]}
RIGHT = Outcome(WHOLE, [], [])
COUNT = Count(log=3, repeats=1, applied=3, lost=0, doubled=0, out_of_order=0)
GOOD = Verdicts(Counter(accepted=3), 0, [])


def log_of(*events: tuple[tuple[str, int], int, str]) -> Log:
    log = Log()
    for lane, number, event_id in events:
        log.take(lane, number, event_id)
    return log


THREE = log_of((LANE, 1, "a"), (LANE, 2, "b"), (LANE, 2, "b"), (OTHER, 1, "c"))


@pytest.mark.parametrize(
    ("applied", "lost", "doubled", "out_of_order"),
    [
        ([("a", LANE, 1), ("c", OTHER, 1), ("b", LANE, 2)], 0, 0, 0),
        ([("a", LANE, 1), ("c", OTHER, 1)], 1, 0, 0),
        ([], 3, 0, 0),
        ([("a", LANE, 1), ("b", LANE, 2), ("b", LANE, 2), ("c", OTHER, 1)], 0, 1, 1),
        ([("b", LANE, 2), ("a", LANE, 1), ("c", OTHER, 1)], 0, 0, 1),
    ],
)
def test_what_the_probe_applied_is_held_against_the_log(
    applied: list[tuple[str, tuple[str, int], int]], lost: int, doubled: int, out_of_order: int
) -> None:
    assert count(THREE, applied) == Count(3, 1, len(applied), lost, doubled, out_of_order)


@pytest.mark.parametrize(
    ("words", "unanswered", "once", "odd"),
    [
        (["accepted"], 0, ["accepted"], False),
        (["accepted", "duplicate"], 0, ["accepted"], False),
        (["duplicate", "accepted", "duplicate"], 0, ["accepted"], False),
        (["duplicate"], 1, ["accepted"], False),  # the answer that said accepted was lost on the way
        (["duplicate"], 0, ["accepted"], True),
        (["accepted", "accepted"], 0, ["accepted"], True),
        (["accepted", "accepted"], 3, ["accepted"], True),
        (["accepted", "rejected"], 0, ["accepted"], True),
        ([], 0, ["accepted"], True),
        (["rejected", "rejected"], 0, ["rejected"], False),
        (["rejected", "accepted"], 0, ["rejected"], True),
        (["duplicate"], 0, ["duplicate"], False),
    ],
)
def test_a_second_verdict_must_be_duplicate_and_others_stay_as_they_are(
    words: list[str], unanswered: int, once: list[str], odd: bool
) -> None:
    told = judge_accounts([Account(words, [], unanswered)], [Account(once)], set())
    assert bool(told.odd) is odd


def test_an_accepted_event_that_is_not_in_the_log_is_missing() -> None:
    accounts = [Account(["accepted"], ["a", "b"]), Account(["accepted"], ["x"])]
    assert judge_accounts(accounts, [Account(["accepted"])] * 2, THREE.ids).missing == 1


def test_records_that_one_of_the_runs_lacks_are_not_passed_over() -> None:
    with pytest.raises(ValueError, match="longer"):
        judge_accounts([Account(["accepted"])], [Account(["accepted"])] * 2, set())


def test_a_right_run_has_nothing_wrong() -> None:
    assert judge(COUNT, GOOD, {}, (RIGHT, RIGHT), []).wrong == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"count": replace(COUNT, lost=2)}, "2 events lost"),
        ({"count": replace(COUNT, doubled=1)}, "1 events doubled"),
        ({"count": replace(COUNT, out_of_order=4)}, "4 records out of order"),
        ({"verdicts": replace(GOOD, missing=1)}, "1 events of accepted records missing in the log"),
        ({"verdicts": replace(GOOD, odd=["record 7"])}, "record 7"),
        ({"counters": {"old_epochs_dropped": 1}}, "1 old epochs dropped"),
        ({"outcomes": (RIGHT, replace(RIGHT, against_truth=["figure"]))}, "against the truth: figure"),
        ({"outcomes": (replace(RIGHT, against_truth=["figure"]), RIGHT)}, "undisturbed: figure"),
        ({"outcomes": (RIGHT, replace(RIGHT, dumps={**WHOLE, "clocks": ["other"]}))}, "clocks: only under chaos other"),
        (
            {"outcomes": (RIGHT, replace(RIGHT, dumps={**WHOLE, "clocks": ["row", "row"]}))},
            "clocks: 2 rows instead of 1",
        ),
        ({"short": ["only 4 of 5 kills"]}, "only 4 of 5 kills"),
    ],
)
def test_each_thing_that_is_wrong_is_told(change: dict[str, object], word: str) -> None:
    given = {"count": COUNT, "verdicts": GOOD, "counters": {}, "outcomes": (RIGHT, RIGHT), "short": [], **change}
    assert word in judge(**given).wrong  # type: ignore[arg-type]


@pytest.mark.parametrize("what", DUMPS)
def test_two_empty_dumps_are_equal_and_prove_nothing(what: str) -> None:
    empty = replace(RIGHT, dumps={**WHOLE, what: []})
    assert judge(COUNT, GOOD, {}, (empty, empty), []).wrong == [f"{what}: nothing was dumped, so nothing was compared"]


def test_a_run_in_which_too_little_happened_is_told() -> None:
    chronicle = Chronicle(lambda line: None)
    for window in WINDOWS[1:]:
        chronicle.note("kill", "somebody", "", window=window)
    chronicle.fail("pause", "nobody there")
    assert not_reached(chronicle, {"repeats_dropped": 1}, SHORT) == [
        "not done: pause: nobody there",
        f"only 0 of 1 kills in {WINDOWS[0]}",
        "no batches_refused: the run proves little",
    ]
    assert not_reached(Chronicle(lambda line: None), {}, NOTHING) == []
