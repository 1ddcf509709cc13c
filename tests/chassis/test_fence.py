"""The fence's verdicts, one by one. The whole of them is proved in test_models.py."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.fence import Above, Gap, Number, OtherSource, Position, _go_on, _walked, judge
from tests.chassis.rig import SOURCE, a_record


def stored(**others: Any) -> Position:
    """Five records of epoch 1 are applied."""
    known: dict[str, Any] = {"next_offset": 5, "epoch": 1, "source": SOURCE, "last": 5}
    return Position("tests", 0, **{**known, **others})


def numbered(*numbers: int, offset: int = 5, epoch: int = 1, source: str = SOURCE) -> list[ConsumerRecord]:
    return [a_record(offset + i, number, b"{}", epoch=epoch, source=source) for i, number in enumerate(numbers)]


def offsets(records: list[ConsumerRecord]) -> list[int]:
    return [record.offset for record in records]


def test_the_next_numbers_are_taken() -> None:
    judged = judge(stored(), numbered(6, 7))
    assert offsets(judged.taken) == [5, 6]
    assert judged.position == stored(next_offset=7, last=7)
    assert judged.problem is None


def test_a_number_seen_is_dropped_wherever_it_stands() -> None:
    judged = judge(stored(), numbered(4, 5, 6, 5, 7))
    assert offsets(judged.taken) == [7, 9]
    assert (judged.repeats, judged.position.last, judged.position.next_offset) == (3, 7, 10)


def test_an_offset_drops_nothing() -> None:
    judged = judge(stored(next_offset=100), numbered(6, 7, offset=0))
    assert offsets(judged.taken) == [0, 1]
    assert judged.position.next_offset == 2


def test_repeats_alone_do_not_move_the_offset_back() -> None:
    assert judge(stored(), numbered(1, 2, offset=0)).position == stored()


def test_a_batch_above_the_stored_offset_is_refused_whole() -> None:
    judged = judge(stored(), numbered(6, 7, offset=6))
    assert judged.problem == Above(5)
    assert judged.taken == []
    assert judged.position == stored()


def test_a_batch_at_the_trimmed_start_of_the_log_is_left_to_the_numbers() -> None:
    assert offsets(judge(stored(), numbered(6, offset=8), log_start=8).taken) == [8]
    assert isinstance(judge(stored(), numbered(9, offset=8), log_start=8).problem, Gap)


def test_a_new_consumer_takes_the_first_number_of_a_trimmed_log_as_it_comes() -> None:
    new = Position("tests", 0)
    judged = judge(new, numbered(9, 10, offset=8), log_start=8)
    assert offsets(judged.taken) == [8, 9]
    assert (judged.position.epoch, judged.position.last) == (1, 10)


def test_a_new_consumer_of_a_whole_log_begins_with_number_one() -> None:
    assert isinstance(judge(Position("tests", 0), numbered(2, offset=0)).problem, Gap)


def test_what_came_before_a_gap_is_kept() -> None:
    judged = judge(stored(), numbered(6, 9, 10))
    assert offsets(judged.taken) == [5]
    assert judged.position == stored(next_offset=6, last=6)
    assert isinstance(judged.problem, Gap)
    assert judged.problem.seek_to == 6
    assert "numbers 7-8 of tests/0" in judged.problem.text


def test_same_epoch_other_source_is_a_problem_and_moves_nothing() -> None:
    judged = judge(stored(), numbered(6, source="ffffffff"))
    assert isinstance(judged.problem, OtherSource)
    assert judged.position == stored()


def test_a_higher_epoch_is_adopted_from_number_one() -> None:
    judged = judge(stored(), numbered(1, 2, epoch=2, source="ffffffff"))
    assert offsets(judged.taken) == [5, 6]
    assert (judged.position.epoch, judged.position.source, judged.position.last) == (2, "ffffffff", 2)


def test_a_higher_epoch_not_from_number_one_is_a_gap() -> None:
    problem = judge(stored(), numbered(2, epoch=2)).problem
    assert isinstance(problem, Gap)
    assert "number 1 of tests/0 (epoch 2)" in problem.text


def test_a_lower_epoch_is_dropped_and_counted() -> None:
    judged = judge(stored(epoch=2), numbered(6, 7) + numbered(6, epoch=2, offset=7))
    assert judged.old_epochs == 2
    assert offsets(judged.taken) == [7]


@pytest.mark.parametrize(
    "headers",
    [(), (("n", None),), (("n", b"\xff.\xfe.\xfd"),), (("n", b"1.abc"),), (("n", b"x.y.z"),), (("m", b"1.a.6"),)],
)
def test_a_header_that_cannot_be_read_makes_a_foreign_record(headers: tuple[tuple[str, bytes | None], ...]) -> None:
    record = ConsumerRecord("tests", 0, 5, 0, 0, None, b"{}", None, 0, 2, headers)
    judged = judge(stored(), [record, *numbered(6, offset=6)])
    assert judged.foreign == [record]
    assert offsets(judged.taken) == [6]


def test_a_foreign_record_read_again_is_dropped_by_its_offset() -> None:
    assert judge(stored(), [a_record(4, None, b"{}")]).foreign == []


def test_a_number_is_written_as_it_is_read() -> None:
    number = Number(3, "0a1b", 812)
    assert Number.of([("n", str(number).encode())]) == number


_HEADERS = st.builds(
    lambda *parts: (("n", b".".join(parts)),),
    *(
        st.sampled_from(parts)
        for parts in ([b"1", b"1", b"2", b"01"], [SOURCE.encode(), b"other"], [b"6", b"7", b"+6", b"8"])
    ),
) | st.sampled_from([(), (("n", None),), (("m", b""), ("n", f"1.{SOURCE}.6".encode()))])


@given(
    position=st.sampled_from([stored(), stored(epoch=0, last=0), stored(epoch=2, last=0)]),
    first=st.integers(0, 3),
    strange=st.dictionaries(st.integers(0, 3), _HEADERS, max_size=2),
    many=st.integers(1, 4),
)
def test_what_is_soon_seen_to_go_on_is_judged_as_one_number_after_the_other(
    position: Position, first: int, strange: dict[int, Any], many: int
) -> None:
    records = numbered(*range(position.last + 1, position.last + 1 + many), epoch=position.epoch, offset=first)
    for at, headers in strange.items():
        if at < many:
            records[at].headers = headers
    if first <= position.next_offset:
        assert judge(position, records) == _walked(position, records, 0)
        assert _go_on(position, records) or strange or not position.epoch
