"""AES-256-GCM as published: the vault's seal is NIST's, and one bit or one row changed does not open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis import sealing
from services.chassis.sealing import CannotOpen, Seals

# McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test case 15 (NIST SP 800-38D refers to it).
KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
NONCE = bytes.fromhex("cafebabefacedbaddecaf888")
PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
SEALED = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
    "b094dac5d93471bdec1a502270e3cc6c"
)


def test_a_seal_is_the_published_one_of_its_key_nonce_and_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "derived", lambda key, purpose: KEY)
    monkeypatch.setattr(sealing.os, "urandom", lambda size: NONCE[:size])
    seals = Seals({7: b"any"}, b"seal")
    assert seals.seal(PLAIN, "") == b"\x07" + NONCE + SEALED
    assert seals.open(b"\x07" + NONCE + SEALED, "") == PLAIN


SEALS = Seals({1: b"k" * 32, 2: b"l" * 32}, b"seal")


@settings(deadline=None)
@given(st.binary(max_size=80), st.text(max_size=20), st.data())
def test_what_was_changed_by_one_bit_or_lies_in_another_row_does_not_open(
    plain: bytes, row: str, data: st.DataObject
) -> None:
    sealed = SEALS.seal(plain, row)
    assert SEALS.open(sealed, row) == plain
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1), label="bit")
    flipped = bytearray(sealed)
    flipped[bit // 8] ^= 1 << bit % 8
    for wrong, its_row in ((bytes(flipped), row), (sealed, row + "x"), (sealed[: bit // 8], row)):
        with pytest.raises(CannotOpen):
            SEALS.open(wrong, its_row)


@given(st.binary(max_size=80))
def test_equal_texts_are_sealed_differently_each_time(plain: bytes) -> None:
    assert SEALS.seal(plain, "row") != SEALS.seal(plain, "row")
