"""Documents: one way of writing each, check digits where the standard has them, and telephones. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.documents import DocumentKind, plain_document, plain_id_number, plain_phone
from services.intake.rules.numbers import check_character, wrong_with_number
from tests.stores.intake_world import a_number

PASSPORT, HOME, TAIWAN, CARD = DocumentKind


@pytest.mark.parametrize(
    ("kind", "written", "plain"),
    [
        (PASSPORT, " e1234 5678 ", "E12345678"),
        (PASSPORT, "Ｅ１２３４５６７８", "E12345678"),
        (PASSPORT, "E1234", "E1234"),
        (PASSPORT, "护照12345678", None),
        (HOME, "h1234567801", "H12345678"),
        (HOME, "H12345678", "H12345678"),
        (HOME, "M1234567802", "M12345678"),
        (HOME, "X1234567801", None),
        (HOME, "H123456", None),
        (TAIWAN, "12345678", "12345678"),
        (TAIWAN, "1234567801(B)", "12345678"),
        (TAIWAN, "１２３４５６７８０１（Ｂ）", "12345678"),
        (TAIWAN, "1234567", None),
        (CARD, "usa110000123456", "USA110000123456"),
        (CARD, "US1110000123456", None),
    ],
)
def test_each_document_has_one_way_of_writing(kind: DocumentKind, written: str, plain: str | None) -> None:
    assert plain_document(kind, written) == plain


def test_a_new_residence_card_has_the_check_digit_of_the_identification_number() -> None:
    digits = "91084019900101123"
    right = digits + check_character(digits)
    assert plain_document(CARD, right) == right
    assert plain_document(CARD, digits + ("0" if right[-1] != "0" else "1")) is None
    assert plain_document(CARD, a_number(1)) is None, "that is the number of a citizen"


def test_a_number_of_15_digits_is_the_same_as_the_one_of_18_that_took_its_place() -> None:
    eighteen = a_number(7)
    assert plain_id_number(eighteen[:6] + eighteen[8:17]) == eighteen
    assert plain_id_number(f" {eighteen[:6]} {eighteen[6:].lower()}") == eighteen


@given(st.integers(0, 100_000))
def test_digits_in_full_width_are_the_same_number(n: int) -> None:
    wide = a_number(n).translate({ord(each): ord(each) + 0xFEE0 for each in "0123456789X"})
    assert plain_id_number(wide) == a_number(n) and wrong_with_number(a_number(n)) is None


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("138 0000 0001", "13800000001"),
        ("+86-138-0000-0001", "13800000001"),
        ("008613800000001", "13800000001"),
        ("１３８００００００01", "13800000001"),
        ("0573-8260 1234", "057382601234"),
        ("+44 20 7946 0958", "+442079460958"),
        ("没有", "没有"),
    ],
)
def test_a_telephone_has_one_way_of_writing(written: str, plain: str) -> None:
    assert plain_phone(written) == plain
