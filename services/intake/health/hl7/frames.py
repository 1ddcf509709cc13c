"""Frames of MLLP: <0B> message <1C><0D> (HL7 v2.5.1 implementation guide, appendix C)."""

from __future__ import annotations

from typing import NamedTuple

from services.intake.health.hl7.message import LARGEST_MESSAGE

START, END = b"\x0b", b"\x1c\r"


class Frame(NamedTuple):
    """is_whole: whether it ended with its mark, not where the next one begins."""

    body: bytes
    is_whole: bool


class Frames:
    """Bytes as they arrive to messages. What stands between frames is left out; of one too long the head is given."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False
        self.left_out = 0

    @property
    def has_begun(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._inside

    def feed(self, piece: bytes) -> list[Frame]:
        """Those that end in this piece."""
        self._held += piece
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def rest(self) -> bytes:
        """What has begun and will never end: the connection is closed."""
        return bytes(self._held) if self._inside else b""

    def _next(self) -> Frame | None:
        if not self._inside and not self._begin():
            return None
        end = self._end()
        if end < 0:
            if len(self._held) > LARGEST_MESSAGE + 1:
                del self._held[LARGEST_MESSAGE + 1 : -1]
            return None
        message = bytes(self._held[: min(end, LARGEST_MESSAGE + 1)])
        begun_anew = self._held[end : end + 1] == START
        del self._held[: end if begun_anew else end + len(END)]
        self._inside = False
        return Frame(message, not begun_anew)

    def _begin(self) -> bool:
        start = self._held.find(START)
        self.left_out += len(self._held) if start < 0 else start
        del self._held[: len(self._held) if start < 0 else start + 1]
        self._inside = start >= 0
        return self._inside

    def _end(self) -> int:
        """Where the message ends: at its mark, or where the next one begins without it."""
        end, next_start = self._held.find(END), self._held.find(START)
        return next_start if 0 <= next_start < end or (end < 0 <= next_start) else end
