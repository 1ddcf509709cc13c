"""Lines of a body that arrives in pieces: no line larger than a record may be is ever held."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.intake.reading import LARGEST_LINE

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Every line that is not blank, without its end; of one that is too long, LARGEST_LINE + 1 bytes."""
    held, first = b"", True
    async for piece in pieces:
        *whole, rest = (held + piece).split(b"\n") if b"\n" in piece else (held + piece,)
        # Of a long line only as much is held as shows that it is too long.
        held = rest[: LARGEST_LINE + 1]
        for line in whole:
            text = line.removeprefix(_BYTE_ORDER_MARK) if first else line
            first = False
            if stripped := text.strip():
                yield stripped[: LARGEST_LINE + 1]
    text = held.removeprefix(_BYTE_ORDER_MARK) if first else held
    if stripped := text.strip():
        yield stripped
