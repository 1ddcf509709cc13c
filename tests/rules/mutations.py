"""Messages damaged as lines, editors and programs damage them: bytes, pieces, order, separators, values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random], bytes]
_SPICE = (
    *b'|^~\\&\r\n\x0b\x1c\x00{[]}":,'.decode("latin-1"),
    *("\\X", "\\XFF\\", "\\.br\\", '""', "阳性", "\u2028", "\U0002a6d6", "99999999999999", "20220231", "-1", "1e309"),
    *("NaN", "null", "true", "{}", "[]", "MSH|^~\\&|", "OBX|", "PID|", "../../", "%s%n", "$ref"),
)
SPICE = (*(each.encode() for each in _SPICE), b"\xff", b"\xe9", "阳性".encode("gb18030"))


def _flip(body: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(body))
    return body[:place] + bytes((chance.randrange(256),)) + body[place + 1 :]


def _insert(body: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(body) + 1)
    return body[:place] + chance.choice(SPICE) + body[place:]


def _cut(body: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(body))
    return body[:start] + body[start + chance.randint(1, 40) :]


def _repeat(body: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(body))
    piece = body[start : start + chance.randint(1, 80)]
    return body[:start] + piece * chance.randint(2, 5) + body[start + len(piece) :]


def _shorten(body: bytes, chance: Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _swap_lines(body: bytes, chance: Random) -> bytes:
    lines = body.split(b"\r")
    chance.shuffle(lines)
    return b"\r".join(lines)


def _drop_line(body: bytes, chance: Random) -> bytes:
    lines = body.split(b"\r")
    del lines[chance.randrange(len(lines))]
    return b"\r".join(lines)


def _replace_part(body: bytes, chance: Random) -> bytes:
    separator = chance.choice((b"|", b"^", b'"', b","))
    parts = body.split(separator)
    parts[chance.randrange(len(parts))] = chance.choice((b"", *SPICE))
    return separator.join(parts)


MUTATIONS: Sequence[Mutation] = (_flip, _insert, _cut, _repeat, _shorten, _swap_lines, _drop_line, _replace_part)


def damaged(body: bytes, chance: Random) -> bytes:
    """One to four of the mutations."""
    for _ in range(chance.randint(1, 4)):
        body = chance.choice(MUTATIONS)(body, chance) or b"\x00"
    return body
