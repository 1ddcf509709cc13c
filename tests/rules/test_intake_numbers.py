"""Identification numbers by GB 11643, and texts in which nobody may be named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.numbers import check_character, has_number, names_a_resident, wrong_with_number

# The two examples of the standard's own text (GB 11643-1999, annex).
PUBLISHED = ("11010519491231002X", "440524188001010014")


@pytest.mark.parametrize("number", PUBLISHED)
def test_the_examples_of_the_standard_are_right(number: str) -> None:
    assert wrong_with_number(number) is None


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        ("110105194912310021", "id_number_check"),
        ("110105194902310021", "id_number_birth"),
        ("11010519491231002", "id_number_form"),
        ("1101051949123100２X", "id_number_form"),
        ("010105194912310021", "id_number_form"),
        ("", "id_number_form"),
    ],
)
def test_each_fault_of_a_number_has_its_own_name(number: str, wrong: str) -> None:
    assert wrong_with_number(number) == wrong


@given(st.integers(10**16, 10**17 - 1), st.integers(0, 17), st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(digits: int, place: int, shift: int) -> None:
    first17 = str(digits)
    number = first17 + check_character(first17)
    if place == 17:
        mistyped = number[:17] + "0123456789X"[("0123456789X".index(number[17]) + shift) % 11]
    else:
        mistyped = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert check_character(mistyped[:17]) != mistyped[17]


@pytest.mark.parametrize("text", ["见 11010519491231002X 处", "tube-11010519491231002x", "号码440524188001010014。"])
def test_a_number_is_found_inside_a_text(text: str) -> None:
    assert has_number(text)


@pytest.mark.parametrize("text", ["tube-110105194912310021", "2022030500000000001234", "1" * 40, "13800138000"])
def test_a_long_code_is_not_taken_for_a_number(text: str) -> None:
    assert not has_number(text)


def test_a_mobile_number_names_a_resident() -> None:
    assert names_a_resident("请致电13800138000联系") and not names_a_resident("决定书〔2022〕第12号")
