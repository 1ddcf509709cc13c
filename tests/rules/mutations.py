"""Messages damaged as lines, editors and programs damage them: bytes, pieces, order, separators, values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

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


_VALUES = (
    None,
    True,
    0,
    -1,
    1e300,
    10**20,
    "",
    " ",
    "\x00",
    "a" * 300,
    "2022-02-31",
    "9999-12-31T23:59:60Z",
    "#",
    "Patient/p1",
)


def damaged_json(content: object, chance: Random) -> object:
    """A copy in which one or two values, at any depth, were replaced, taken out, doubled or swapped with another's."""
    content = json.loads(json.dumps(content))
    for _ in range(chance.randint(1, 2)):
        places = list(_places(content))
        part, key = chance.choice(places)
        match chance.randrange(5):
            case 0:
                del part[key]
            case 1 | 2:
                part[key] = chance.choice((*_VALUES, {}, [], [[]], {"a": {"b": []}}))
            case 3:
                part[key] = [part[key], part[key]]
            case _:
                other, at = chance.choice(places)
                part[key] = json.loads(json.dumps(other[at])) if not _is_inside(part, other[at]) else None
        if not content:
            return content
    return content


def _places(part: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(part) if isinstance(part, dict) else range(len(part)):
        yield part, key
        if isinstance(part[key], dict | list):
            yield from _places(part[key])


def _is_inside(part: object, whole: object) -> bool:
    return part is whole or (isinstance(whole, dict | list) and any(each is part for each, _ in _places(whole)))
