"""A message of HL7 v2 to records: which messages are taken, and what they say. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.intake.health.hl7.admissions import said_of_admission
from services.intake.health.hl7.message import Message
from services.intake.health.hl7.results import said_of_results
from services.intake.health.items import Item, Translated, Unused
from services.intake.health.moments import Moment, read_moment
from services.intake.health.saying import Common
from services.intake.health.sources import Source, Sources
from services.intake.problems import Problem, Refused

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1")
_TYPES: dict[tuple[str, str], Callable[[Message, Common], Iterator[Item | Unused]]] = {
    ("ORU", "R01"): said_of_results,
    ("ADT", "A01"): said_of_admission,
    ("ADT", "A04"): said_of_admission,
    ("ADT", "A08"): said_of_admission,
}


def source_of(message: Message, sources: Sources, known: Source | None) -> Source:
    """known: who it is by key or topic. Raises Refused."""
    if known is not None:
        return known
    header = message.header
    found = sources.of_sender(header.get(3), header.get(4))
    if found is None:
        raise Refused(Problem(header.place(3), "unknown_hl7_sender"))
    return found


def translate(message: Message, source: Source) -> Translated:
    """What it says. Raises Refused for a message that is not taken at all."""
    header = message.header
    kind, event = header.get(9), header.get(9, 2)
    if header.get(12) not in VERSIONS:
        raise Refused(Problem(header.place(12), "hl7_version", {"expected": ", ".join(VERSIONS)}))
    if (kind, event) not in _TYPES:
        expected = ", ".join(f"{each}^{trigger}" for each, trigger in _TYPES)
        raise Refused(Problem(header.place(9), "hl7_type", {"expected": expected}))
    if not header.get(10):
        raise Refused(Problem(header.place(10), "missing"))
    processing = header.get(11) or "P"
    if processing not in ("P", "T", "D"):
        raise Refused(Problem(header.place(11), "not_one_of", {"expected": "P, T, D"}))
    # T is for training, D for tests of a line: both are exercises here.
    common = Common(source, _revised_at(message, source), drill=processing != "P")
    return list(_TYPES[kind, event](message, common))


def _revised_at(message: Message, source: Source) -> Moment | None:
    """When the message was made: of two versions of a result the later one stands."""
    for name, field in (("MSH", 7), ("EVN", 2), ("OBR", 22), ("OBX", 14), ("OBR", 7)):
        moment = read_moment(message.first(name).get(field), source.tz)
        if moment is not None:
            return moment
    return None
