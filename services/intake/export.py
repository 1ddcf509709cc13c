"""GET /records/export: records told again, with who is meant out of the vault; imported again they change nothing.

A record goes out under a source_id that is bound to it (`Pepper.exported_id`), and with the hash of its content as it
goes out. Coming back unchanged it is a duplicate, whatever was learned of its persons meanwhile; changed, and with the
next revision, it is a correction of the same record. What was forgotten is named by its random id alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import to_json

from services.chassis.access import Caller
from services.chassis.database import Tx
from services.intake.desk import Desk
from services.intake.opening import Purposed, opened
from services.intake.parts import Dwelling, Person
from services.intake.reading import EXPORTED_AS, read
from services.intake.rules.recognise import content_of, unpack
from services.intake.rules.retelling import retold
from services.intake.sender import Sender
from services.intake.store import accesses, people, records

_ANYBODY = Sender("export", ("",))


class Exported(NamedTuple):
    """records: as they go out, without their hash. left_out: withdrawn ones, and other kinds or ones not retold.

    after: where to go on, "" at the end.
    """

    records: list[dict[str, Any]]
    left_out: int
    after: str


async def export(
    tx: Tx, now: datetime, caller: Caller, asked: Purposed, desk: Desk, span: records.Span, kind: str = ""
) -> Exported:
    """Of what the transaction is shown; every person and dwelling told stands in the access record.

    kind: of the records; "" for every kind.
    """
    rows = await records.load_span(tx, span)
    told = list[dict[str, Any]]()
    for row in rows:
        said = unpack(row.said)
        content = retold(said.sayings)
        if content is not None and kind in ("", content["kind"]):
            source_id = desk.pepper.exported_id(row.feed, row.found_by)
            head = {"feed": row.feed, "source_id": source_id, "revision": row.revision}
            told.append(head | ({"drill": True} if said.drill else {}) | content)
    persons = await people.load_persons(tx, {part["person_id"] for part in _parts(told, "person_id")})
    dwellings = await people.load_dwellings(tx, {part["dwelling_id"] for part in _parts(told, "dwelling_id")})
    seen: dict[str, people.PersonRow | people.DwellingRow] = {**persons, **dwellings}
    await accesses.record(tx, now, asked.look(caller, "opening"), seen.keys())
    known = {each: opened(desk.vault, each, row) for each, row in seen.items()}
    for part in _parts(told, "person_id"):
        if who := _known(known.get(part["person_id"]), Person.model_fields):
            part["person"] = who
    for part in _parts(told, "dwelling_id"):
        part |= _known(known.get(part["dwelling_id"]), Dwelling.model_fields)
    return Exported(told, len(rows) - len(told), rows[-1].found_by.hex() if len(rows) == span.limit else "")


def _known(content: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in fields if content.get(name) is not None} if content else {}


def _parts(told: Sequence[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """The parts of records that name a person, or a dwelling, by its id."""
    for record in told:
        for part in (record, record.get("other"), record.get("dwelling"), *record.get("members", ())):
            if isinstance(part, dict) and name in part:
                yield part


def as_line(desk: Desk, record: Mapping[str, Any]) -> bytes:
    """A record with the hash of its content, as one line."""
    return to_json({**record, EXPORTED_AS: hash_of_line(desk, to_json(record))})


def hash_of_line(desk: Desk, line: bytes) -> str:
    """As admission will find it; "" for what could not be read again, which then counts as changed."""
    record = read(line, _ANYBODY).record
    return desk.pepper.content_hash(content_of(record)).hex() if record is not None else ""
