"""MLLP: bytes as they arrive to frames."""

from __future__ import annotations

from services.intake.health.hl7.frames import END, START, Frame, Frames


def test_a_message_ends_at_its_mark_and_is_cut_off_where_the_next_one_begins() -> None:
    frames = Frames()
    assert frames.feed(START + b"one" + END + b"noise" + START + b"tw") == [Frame(b"one", True)]
    assert frames.feed(START + b"three" + END) == [Frame(b"tw", False), Frame(b"three", True)]
    assert (frames.has_begun, frames.rest()) == (False, b"")
    assert (frames.feed(START + b"four"), frames.rest()) == ([], b"four")
