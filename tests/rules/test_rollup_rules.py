"""What one statement and one subject do to the figures, and the reason that is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.divisions import Divisions
from services.rollup.drift import whose_turn
from services.rollup.rules import counting, summing
from services.rollup.rules.counting import NOTHING, Change, Key, Known, Reason, Row, Said, packed, unpacked
from services.rollup.rules.plain import First, Shared, divided, first_of, said_of

T0 = datetime(2022, 3, 5, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRID, OTHER = "330402007001001", "330402007001002"
KEY = Key("p1/r1", "persons-screened", False)


def a_row(statement: str = "a", *, at: datetime = T0, division: str = GRID) -> Row:
    return Row(at, statement, at.date(), division)


def says(
    row: Row | None,
    revision: int = 1,
    *,
    statement: str = "a",
    time: datetime = T0,
    withdrawn: bool = False,
    derived: bool = False,
    key: Key = KEY,
) -> Said:
    return Said(statement, revision, withdrawn, derived, time, {key: row} if row else {})


def changes(*said: Said) -> list[Change]:
    _, steps = counting.advance({}, said)
    found: list[Change] = []
    for key in dict.fromkeys(step.key for step in steps):
        found += counting.fold(NOTHING, [step for step in steps if step.key == key])[1]
    return found


def reasons(*said: Said) -> list[str]:
    return [change.reason for change in changes(*said)]


def test_a_repeat_and_an_older_revision_change_nothing() -> None:
    newest = says(a_row(division=OTHER), 2)
    assert len(changes(newest, newest, says(a_row(), 1))) == 1


def test_what_is_recorded_after_its_day_is_late() -> None:
    assert reasons(says(a_row(), time=T0 + 14 * HOUR)) == [Reason.NEW]  # 23:00 of the same day in Shanghai
    assert reasons(says(a_row(), time=T0 + 16 * HOUR)) == [Reason.LATE]


def test_a_correction_says_so_and_a_new_division_is_a_move() -> None:
    assert reasons(says(a_row()), says(a_row(at=T0 + DAY), 2)) == [Reason.NEW, Reason.CORRECTED]
    assert reasons(says(a_row()), says(a_row(division=OTHER), 2)) == [Reason.NEW, Reason.MOVED]
    assert reasons(says(a_row()), says(None, 2)) == [Reason.NEW, Reason.CORRECTED]


def test_a_withdrawal_says_so_and_its_return_is_a_correction() -> None:
    told = reasons(says(a_row()), says(None, 2, withdrawn=True), says(a_row(), 3))
    assert told == [Reason.NEW, Reason.WITHDRAWN, Reason.CORRECTED]


def test_a_derived_state_that_goes_on_has_moved_and_is_new_in_the_next() -> None:
    after = Key("p1", "isolated", False)
    told = changes(says(a_row(), derived=True), says(a_row(), 2, derived=True, key=after, time=T0 + HOUR))
    assert [(change.key, change.reason) for change in told] == [
        (KEY, Reason.NEW),
        (KEY, Reason.MOVED),
        (after, Reason.NEW),
    ]


def test_the_earliest_statement_counts_and_the_next_takes_its_place() -> None:
    early, late = a_row("b", at=T0 - HOUR, division=OTHER), a_row("a")
    told = changes(says(late), says(early, statement="b"), says(None, 2, statement="b", withdrawn=True))
    assert [(change.before, change.after) for change in told] == [(None, late), (late, early), (early, late)]
    assert [change.reason for change in told] == [Reason.NEW, Reason.MOVED, Reason.WITHDRAWN]


def test_a_later_statement_on_the_same_subject_changes_nothing() -> None:
    assert len(changes(says(a_row()), says(a_row("b", at=T0 + HOUR), statement="b"))) == 1


def test_keys_come_back_as_they_were_packed() -> None:
    keys = [KEY, Key("p 2/\n", "feverish", True)]
    for some in ([], keys[:1], keys):
        assert unpacked(packed(dict.fromkeys(some, GRID))) == dict.fromkeys(some, "")
    assert unpacked(packed(dict(zip(keys, (GRID, OTHER), strict=True)))) == dict(zip(keys, (GRID, OTHER), strict=True))


def test_statements_that_touch_nothing_else_are_set_apart() -> None:
    other = Key("p2/r1", "persons-screened", False)
    one, two = says(a_row()), says(a_row("b"), statement="b", key=other)
    new, lone, beside = first_of(one), first_of(two), first_of(says(a_row("c"), statement="c"))
    corrected = says(a_row(), 2, key=other)
    assert divided([new, lone]) == ([new, lone], [])
    assert divided([new, new, lone]) == ([lone], [one, one])
    assert divided([new, lone, beside])[0] == [lone]
    assert divided([new, lone], {"a"}) == ([lone], [one])
    assert divided([new, lone], {"a"}, {other}) == ([], [one, two])  # a takes its subject back
    assert divided([corrected, lone], ()) == ([], [corrected, two])


def test_a_first_statement_on_one_subject_is_the_same_in_both_forms() -> None:
    first = says(a_row(division=OTHER), time=T0 + HOUR)
    assert type(first_of(first)) is First
    assert said_of(first_of(first)) == first
    more = first._replace(rows=first.rows | {Key("p2", "feverish", False): a_row()})
    for said in (first._replace(revision=2), first._replace(rows={}), more):
        assert first_of(said) is said_of(said) is said


def test_the_hour_recorded_never_goes_back() -> None:
    known = {"a": Known(1, T0 + 5 * HOUR, {KEY: ""})}
    went_on, (step,) = counting.advance(known, [says(None, 2, time=T0, withdrawn=True)])
    assert step.recorded_at == went_on["a"].recorded_at == T0 + 5 * HOUR


def test_a_statement_read_late_changes_nothing_before_the_hour_of_the_one_it_replaces() -> None:
    held = counting.Held(a_row(), T0 + 5 * HOUR)
    early = says(a_row("b", at=T0 - HOUR, division=OTHER), statement="b", time=T0)
    after, (change,) = counting.fold(held, counting.advance({}, [early])[1])
    assert change.recorded_at == after.since_at == T0 + 5 * HOUR


def test_deltas_are_summed_and_what_cancels_out_is_left_out() -> None:
    past = summing.past_of(changes(says(a_row()), says(a_row(division=OTHER), 2, time=T0 + HOUR)))
    assert [(key[0], key[4], key[5], delta) for key, delta in past.items()] == [
        (GRID, T0, "new", 1),
        (GRID, T0 + HOUR, "moved", -1),
        (OTHER, T0 + HOUR, "moved", 1),
    ]


def test_what_counts_first_is_summed_as_the_change_that_it_is() -> None:
    rows = [a_row(), a_row("b"), a_row("c", division=OTHER), a_row("d", at=T0 - DAY)]
    firsts = [First(KEY.subject_id, row.statement, Shared(*KEY[1:], row.division, row.day, row.at, T0)) for row in rows]
    told = [Change(KEY, None, row, T0, Reason.LATE if row.at < T0 else Reason.NEW) for row in rows]
    assert summing.past_of_firsts(firsts) == summing.past_of(told)
    assert sorted(summing.past_of(told).values()) == [1, 1, 2]


def past(reason: str, division: str) -> summing.Past:
    return division, "arrivals", T0.date(), False, T0, reason


def test_a_move_within_a_village_leaves_all_above_it_as_it_was() -> None:
    own = {past("moved", GRID): -1, past("moved", OTHER): 1}
    assert summing.summed(own, Divisions.load()) == {}


def test_a_move_within_a_county_leaves_the_county_as_it_was() -> None:
    own = {past("moved", GRID): -1, past("moved", "330402008001"): 1}
    assert {key[0]: deltas for key, deltas in summing.summed(own, Divisions.load()).items()} == {
        GRID[:9]: (-1, -1),
        "330402008": (1, 1),
    }


def test_a_functional_area_takes_its_villages_out_of_the_county() -> None:
    figures = summing.summed({past("new", "330402012001001"): 1}, Divisions.load())
    lines = [[key[0] for key, deltas in figures.items() if deltas[tree]] for tree in (0, 1)]
    assert sorted(lines[0]) == ["33", "3304", "330402", "330402012"]
    assert sorted(lines[1]) == ["33", "3304", "330402012", "3304J1"]


def test_each_indicator_has_its_turn_and_a_large_one_a_turn_of_its_own() -> None:
    sizes = {"persons-screened": 300_000, "arrivals": 10, "feverish": 20}
    assert whose_turn(sizes, 1_000)[-1] == "messages-sent"  # those never checked go first, all at once
    known = {code: 0 for code in whose_turn({})}
    assert whose_turn(known | {"zz": 900, "yy": 900}, 1_000)[-1] == "zz"
    assert whose_turn({"xx": 5_000, **known}, 1_000) == ["xx"]
