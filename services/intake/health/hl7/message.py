"""A message of HL7 v2: bytes in their character set, cut into segments, fields, repetitions, components (ch. 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from services.intake.problems import Problem, Refused
from services.intake.reading import LARGEST_LINE

LARGEST_MESSAGE = LARGEST_LINE
"""Bytes: as much as is kept of one rejected row, so that all of it can be mended."""
MOST_SEGMENTS = 5_000
_CHARSETS = {
    "ASCII": "ascii",
    "8859/1": "latin-1",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "GB 18030-2000": "gb18030",
    "GB18030-2000": "gb18030",
    "GB18030": "gb18030",
    "GB2312": "gb18030",
    "GBK": "gb18030",
}
"""MSH-18 (table 0211, and what is written in its stead) -> codec; GB 18030 holds the older two."""
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}(?=.?)", re.ASCII)
_ENDS = re.compile(r"\r\n|\r|\n")
_HEX = re.compile(r"[0-9A-Fa-f]{2,}", re.ASCII)


class Delimiters(NamedTuple):
    """MSH-1 and MSH-2."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    charset: str


class Field(NamedTuple):
    """One repetition of a field."""

    raw: str
    by: Delimiters

    def part(self, component: int = 1, subcomponent: int = 1) -> str:
        """Text without escapes and blanks at its ends; "" also where the sender says that it is empty (`\"\"`)."""
        components = self.raw.split(self.by.component)
        if component > len(components):
            return ""
        parts = components[component - 1].split(self.by.subcomponent)
        if subcomponent > len(parts) or parts[subcomponent - 1] == '""':
            return ""
        return unescaped(parts[subcomponent - 1], self.by).strip()


class Segment(NamedTuple):
    """name: `PID`. number: which one of this name in the message, from 1. fields: as they stand, [0] the name."""

    name: str
    number: int
    fields: tuple[str, ...]
    by: Delimiters

    def all(self, field: int) -> list[Field]:
        """The repetitions of a field that are not empty."""
        raw = self.fields[field] if field < len(self.fields) else ""
        return [Field(each, self.by) for each in raw.split(self.by.repetition) if each] if raw else []

    def get(self, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """Of the first repetition."""
        found = self.all(field)
        return found[0].part(component, subcomponent) if found else ""

    def place(self, field: int) -> str:
        """As ERR-2 writes it: segment, which one, field."""
        return f"{self.name}^{self.number}^{field}"


class Message(NamedTuple):
    """segments: in their order, MSH first."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        return self.segments[0]

    def first(self, name: str) -> Segment:
        """The first of this name, or one that is empty."""
        found = next((each for each in self.segments if each.name == name), None)
        return found or Segment(name, 1, (name,), self.header.by)


def messages_in(body: bytes) -> list[bytes]:
    """The messages of a body, which may be a batch (FHS, BHS … BTS, FTS); what stands before the first MSH is one."""
    starts = [found.start() for found in re.finditer(rb"(?:^|(?<=[\r\n]))\s*MSH", body)]
    if not starts:
        return [body]
    head = re.sub(rb"^\s*(?:\xef\xbb\xbf)?((FHS|BHS)[^\r\n]*[\r\n]+\s*)*", b"", body[: starts[0]])
    pieces = [body[start:end].strip() for start, end in zip(starts, [*starts[1:], len(body)], strict=True)]
    cut = [re.sub(rb"([\r\n]+(BTS|FTS)[^\r\n]*)+\s*$", b"", piece) for piece in pieces]
    return [head, *cut] if head.strip() else cut


def read_message(body: bytes, encoding: str) -> Message:
    """encoding: where MSH-18 names none. Raises Refused."""
    if len(body) > LARGEST_MESSAGE:
        raise Refused(Problem("", "message_too_long", {"limit": LARGEST_MESSAGE}))
    body = body.strip(b"\x0b\x1c\r\n \t").removeprefix(b"\xef\xbb\xbf")
    by = _delimiters(body, encoding)
    try:
        segments = tuple(_segments(body.decode(by.charset), by))
        _unescape_all(segments)
    except UnicodeDecodeError:
        raise Refused(Problem("MSH^1^18", "not_in_charset", {"charset": by.charset})) from None
    return Message(segments)


def _unescape_all(segments: tuple[Segment, ...]) -> None:
    """Bytes written as escapes are of the character set too, whether or not their field is of use."""
    for segment in segments:
        for raw in segment.fields[3 if segment.name == "MSH" else 1 :]:
            if f"{segment.by.escape}X" in raw:
                for part in re.split(f"[{re.escape(_between(segment.by))}]", raw):
                    unescaped(part, segment.by)


def _between(by: Delimiters) -> str:
    return by.component + by.repetition + by.subcomponent


def _delimiters(body: bytes, encoding: str) -> Delimiters:
    head = body[:8].decode("ascii", "replace")
    separators = head[3:8]
    plain = len(separators) == 5 and separators.isprintable() and not any(each.isalnum() for each in separators)
    if not head.startswith("MSH") or not plain or len(set(separators)) < 5 or "\ufffd" in separators:
        raise Refused(Problem("MSH^1^1", "not_hl7"))
    header = re.split(rb"[\r\n]", body, maxsplit=1)[0].split(separators[0].encode())
    named = (
        header[17].split(separators[2].encode())[0].strip().upper().decode("ascii", "replace")
        if len(header) > 17
        else ""
    )
    charset = _CHARSETS.get(named) if named else encoding
    if charset is None:
        raise Refused(Problem("MSH^1^18", "unknown_charset", {"expected": "UNICODE UTF-8, GB 18030-2000, ASCII"}))
    return delimiters_of(separators, charset)


def delimiters_of(separators: str, charset: str) -> Delimiters:
    """The five characters after MSH."""
    return Delimiters(separators[0], separators[1], separators[2], separators[3], separators[4], charset)


def _segments(text: str, by: Delimiters) -> Iterator[Segment]:
    """A line that begins with no segment's name is the rest of the field before: a newline stood in its text."""
    lines = list[str]()
    for line in filter(None, (each.strip(" \t\x00") for each in _ENDS.split(text))):
        if not lines or (_SEGMENT.match(line) and line[3:4] in ("", by.field)):
            lines.append(line)
        else:
            lines[-1] += f" {line}"
    if len(lines) > MOST_SEGMENTS:
        raise Refused(Problem("", "too_many_segments", {"limit": MOST_SEGMENTS}))
    numbers = dict[str, int]()
    for line in lines:
        name, *fields = line.split(by.field)
        numbers[name] = numbers.get(name, 0) + 1
        # MSH-1 is the separator itself, so its fields stand one further on.
        yield Segment(name, numbers[name], (name, by.field, *fields) if name == "MSH" else (name, *fields), by)


def unescaped(text: str, by: Delimiters) -> str:
    """\\F\\ \\S\\ \\T\\ \\R\\ \\E\\ and \\Xdd..\\ (bytes); formatting is left out, what is unknown stays.

    Raises UnicodeDecodeError for bytes that are not of the character set; those of one character may be escaped apart.
    """
    if by.escape not in text:
        return text
    plain, *pieces = text.split(by.escape)
    said, held = [plain], b""
    for sequence, plain in zip(pieces[::2], pieces[1::2], strict=False):
        meant = _meaning(sequence, by)
        if isinstance(meant, bytes):
            held += meant
        if held and (plain or not isinstance(meant, bytes)):
            said.append(held.decode(by.charset))
            held = b""
        said += [meant if isinstance(meant, str) else "", plain]
    if held:
        said.append(held.decode(by.charset))
    if len(pieces) % 2:  # an escape that is never closed
        said.append(by.escape + pieces[-1])
    return "".join(said)


def _meaning(sequence: str, by: Delimiters) -> str | bytes:
    meant = {"F": by.field, "S": by.component, "R": by.repetition, "E": by.escape, "T": by.subcomponent}
    if sequence in meant:
        return meant[sequence]
    if sequence[:1] == "X" and len(sequence) % 2 and _HEX.fullmatch(sequence[1:]):
        return bytes.fromhex(sequence[1:])
    if sequence[:1] == "." or sequence in ("H", "N") or sequence[:1] in ("C", "M"):
        return " " if sequence[:1] == "." else ""
    return f"{by.escape}{sequence}{by.escape}"


def escaped(text: str, by: Delimiters) -> str:
    """A text of ours as it may stand in a field; line ends become blanks."""
    for letter, sign in zip("EFSRT", (by.escape, by.field, by.component, by.repetition, by.subcomponent), strict=True):
        text = text.replace(sign, f"\0{letter}\0")
    return re.sub(r"\s+", " ", text).replace("\0", by.escape)
