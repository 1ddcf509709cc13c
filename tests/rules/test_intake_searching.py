"""Whom a search means: by name, initials, last four, address; and whom it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.searching import By, meant_by, sought, words_of_dwelling, words_of_person

WANG = {
    "name": "王小明",
    "id_number": "330499195001010011",
    "id_numbers": ["330499195001010011"],
    "known_by": ["passport E12345678", "name_birth_phone 王小明|1950-01-01|13800001234"],
    "phone": "+86 138-0000-1234",
    "address": "人民路12号3幢2单元501室",
}
DAN = {"name": "单重庆", "phone": "0573-8888X"}
OUYANG = {"name": "欧阳海棠", "id_number": "33049919500101000X"}
AYGUL = {"name": "阿依古丽·买买提"}
SMITH = {"name": "John SMITH", "phone": "+1 212 555 0123"}


@pytest.mark.parametrize(
    ("typed", "whom", "ways"),
    [
        ("王小明", WANG, {By.NAME}),
        (" 王 小 明 ", WANG, {By.NAME}),
        ("小明", WANG, {By.NAME}),
        ("wxm", WANG, {By.INITIALS}),
        ("WXM", WANG, {By.INITIALS}),
        ("ｗｘｍ", WANG, {By.INITIALS}),
        ("1234", WANG, {By.LAST_FOUR}),
        ("0011", WANG, {By.LAST_FOUR}),
        ("5678", WANG, {By.LAST_FOUR}),
        ("3-2-501", WANG, {By.ADDRESS}),
        ("3幢2单元501", WANG, {By.ADDRESS}),
        ("人民路12号3幢2单元501室", WANG, {By.ADDRESS}),
        ("人民路501", WANG, {By.ADDRESS}),
        ("scq", DAN, {By.INITIALS}),
        ("szq", DAN, {By.INITIALS}),
        ("海棠", OUYANG, {By.NAME}),
        ("oyht", OUYANG, {By.INITIALS}),
        ("000x", OUYANG, {By.LAST_FOUR}),
        ("阿依古丽•买买提", AYGUL, {By.NAME}),
        ("john smith", SMITH, {By.NAME}),
        ("Smith", SMITH, {By.NAME}),
        ("js", SMITH, {By.INITIALS}),
        ("0123", SMITH, {By.LAST_FOUR}),
        ("王", WANG, set()),
        ("王大明", WANG, set()),
        ("wxd", WANG, set()),
        ("4321", WANG, set()),
        ("解放路501", WANG, set()),
        ("4-2-501", WANG, set()),
        ("1950", WANG, set()),
    ],
)
def test_who_is_meant(typed: str, whom: dict[str, Any], ways: set[By]) -> None:
    assert meant_by(sought(typed), words_of_person(whom), whom) == ways


NAMES = st.text(st.sampled_from("王李欧阳单解曾小明海棠乐朝·"), min_size=2, max_size=6)
ADDRESSES = st.lists(
    st.tuples(st.integers(1, 3000), st.sampled_from(["号", "幢", "单元", "室"])), min_size=1, max_size=4
)


@given(NAMES, ADDRESSES, st.from_regex(r"1[3-9]\d{9}", fullmatch=True))
def test_everybody_is_found_by_what_is_held(name: str, numbers: list[tuple[int, str]], phone: str) -> None:
    address = "人民路" + "".join(f"{number}{unit}" for number, unit in numbers)
    content = {"name": name, "phone": phone, "address": address}
    words = words_of_person(content)
    assert {by for by, _ in words} >= {By.LAST_FOUR, By.ADDRESS}
    for typed, by in ((phone[-4:], By.LAST_FOUR), (address, By.ADDRESS)):
        assert by in meant_by(sought(typed), words, content)
    assert meant_by(sought(address), words_of_dwelling(content), content) == {By.ADDRESS}
    if len(name.strip("·")) > 1:
        assert By.NAME in meant_by(sought(name), words, content)


@given(st.text(max_size=80))
def test_whatever_is_typed_is_read(typed: str) -> None:
    assert len(sought(typed).words) <= 3
