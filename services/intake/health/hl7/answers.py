"""ACK: what became of a message, in its own delimiters, version and character set (HL7 v2.5.1 §2.9.2, §2.15.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.policy.days import SHANGHAI
from services.intake.health.hl7.message import Delimiters, Message, delimiters_of, escaped
from services.intake.health.items import Answered, Told, Unused
from services.intake.problems import Language, Problem
from services.intake.verdicts import REJECTED

ACCEPTED, ERROR, REJECT = "AA", "AE", "AR"
_NOT_ALLOWED = ("not_your_feed", "not_your_kind", "beyond_jurisdiction")
_CODES = {
    "missing": ("101", "Required field missing"),
    "visit_not_named": ("101", "Required field missing"),
    "health_time_form": ("102", "Data type error"),
    "health_time_coarse": ("102", "Data type error"),
    "unknown_result": ("103", "Table value not found"),
    "unknown_test": ("103", "Table value not found"),
    "not_one_of": ("103", "Table value not found"),
    "hl7_type": ("200", "Unsupported message type"),
    "hl7_version": ("203", "Unsupported version id"),
    "unknown_hl7_sender": ("204", "Unknown key identifier"),
    "two_people": ("205", "Duplicate key identifier"),
    "number_of_several": ("205", "Duplicate key identifier"),
    "come_back": ("207", "Application internal error"),
    "adapter_failed": ("207", "Application internal error"),
}
"""Our code -> table 0357; what is not here is a data type error, 102."""
_MOST = 20


class Error(NamedTuple):
    """One ERR segment. severity: table 0516."""

    place: str
    problem: Problem
    severity: str = "E"


def code_of(told: Told) -> str:
    """AA: all is known here now. AR: nothing of it was the sender's to say. AE: something is wrong."""
    rejected = [each.verdict for each in told if isinstance(each, Answered) and each.verdict.word == REJECTED]
    if not rejected:
        return ACCEPTED
    forbidden = all(problem.code in _NOT_ALLOWED for verdict in rejected for problem in verdict.problems)
    return REJECT if forbidden and len(rejected) == len(told) else ERROR


def errors_of(told: Told) -> list[Error]:
    """What is wrong, then what is not used."""
    errors = [
        Error(each.item.place_of(problem.field), problem)
        for each in told
        if isinstance(each, Answered)
        for problem in each.verdict.problems
    ]
    return errors + [Error(each.place, each.why, "I") for each in told if isinstance(each, Unused)]


def acknowledge(
    message: Message | bytes, code: str, errors: Sequence[Error], now: datetime | None, language: Language
) -> bytes:
    """The answer. Of a message that could not be read as much as its first line tells is answered."""
    header, by = _header_of(message)
    said = [f"{_spoken(each.place)}: {_words(each.problem, language)}" for each in errors[:_MOST]]
    lines = [
        _answer_header(header, by, now),
        _line(by, "MSA", code, header.get("control_id", ""), escaped("; ".join(said)[:200], by)),
        *_error_lines(errors[:_MOST], by, header.get("version", ""), language),
    ]
    return "".join(f"{line}\r" for line in lines).encode(by.charset, "replace")


def _spoken(place: str) -> str:
    """OBX^2^5 as people write it: OBX-5 of the second OBX."""
    name, number, field = [*place.split("^"), "", ""][:3]
    return f"{name}{f'-{field}' if field else ''}{f' ({number})' if number not in ('', '1') else ''}"


def _answer_header(header: Mapping[str, str], by: Delimiters, now: datetime | None) -> str:
    """Back to whom it came from; MSH-7 stays empty where no clock can be asked."""
    fields = {
        3: header.get("to", ""),
        4: header.get("to_facility", ""),
        5: header.get("from", ""),
        6: header.get("from_facility", ""),
        7: f"{now.astimezone(SHANGHAI):%Y%m%d%H%M%S%z}" if now else "",
        9: by.component.join(filter(None, ("ACK", header.get("event", "")))),
        10: f"A{header.get('control_id', '')}"[:20],
        11: header.get("processing", "P"),
        12: header.get("version", "2.5.1"),
        18: header.get("charset", ""),
    }
    head = f"MSH{by.field}{by.component}{by.repetition}{by.escape}{by.subcomponent}"
    return _line(by, head, *(fields.get(number, "") for number in range(3, 19)))


def _line(by: Delimiters, *fields: str) -> str:
    return by.field.join(fields).rstrip(by.field)


def _words(problem: Problem, language: Language) -> str:
    told = problem.told(language)
    return f"{told['why']} -> {told['would_be_right']}"


def _error_lines(errors: Iterable[Error], by: Delimiters, version: str, language: Language) -> Iterable[str]:
    """ERR as 2.5 has it (place, code, severity, words), or as 2.3 to 2.4 have it (place and code in one field)."""
    for each in errors:
        number, name = _CODES.get(
            each.problem.code, ("102", "Data type error") if each.severity == "E" else ("0", "Message accepted")
        )
        place = by.component.join(escaped(part, by) for part in each.place.split("^"))
        code = (number, name, "HL70357")
        if version.startswith("2.5"):
            words = escaped(_words(each.problem, language), by)
            yield _line(by, "ERR", "", place, by.component.join(code), each.severity, "", "", "", words)
        else:
            old = [*place.split(by.component), "", "", ""][:3]
            yield _line(by, "ERR", by.component.join((*old, by.subcomponent.join(code))))


def _header_of(message: Message | bytes) -> tuple[dict[str, str], Delimiters]:
    """Raw fields of MSH, to be given back as they came."""
    if isinstance(message, Message):
        header, by = message.header, message.header.by
        fields = list(header.fields)
    else:
        by = _guessed(message)
        line = re.split(rb"[\r\n\x1c]", message[message.find(b"MSH") :][:2000], maxsplit=1)[0].decode(
            "utf-8", "replace"
        )
        parts = line.split(by.field)
        fields = [parts[0], by.field, *parts[1:]] if line.startswith("MSH") else []
    names = {
        3: "from",
        4: "from_facility",
        5: "to",
        6: "to_facility",
        10: "control_id",
        11: "processing",
        12: "version",
        18: "charset",
    }
    found = {name: fields[number] for number, name in names.items() if number < len(fields) and fields[number]}
    kind = fields[9].split(by.component) if len(fields) > 9 else []
    if not isinstance(message, Message):
        found.pop("charset", None)
    return {**found, "event": kind[1] if len(kind) > 1 else ""}, by


def _guessed(message: bytes) -> Delimiters:
    head = message[message.find(b"MSH") :][3:8].decode("ascii", "replace")
    usable = len(set(head)) == 5 and head.isprintable() and not any(each.isalnum() for each in head)
    return delimiters_of(head if usable and "\ufffd" not in head else "|^~\\&", "utf-8")
