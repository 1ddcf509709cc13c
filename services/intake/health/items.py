"""What a message says, as far as it is of use here: records on their way to the door, and what is read and not used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import to_json

from services.intake.problems import Problem
from services.intake.reading import Reading, read
from services.intake.rules.revisions import revision_in
from services.intake.sender import Sender
from services.intake.verdicts import Verdict

Record = dict[str, Any]


class Item(NamedTuple):
    """A canonical record as a message says it; with problems it may be incomplete, or hold the sender's own words.

    place: where in the message (`OBR^1`, `entry[0]`). places: field of the record -> where in the message it stands.
    only_if_known: a withdrawal which is none where nothing was ever said under its id.
    """

    place: str
    record: Record
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, str] = {}
    only_if_known: bool = False

    def reading(self, sender: Sender) -> Reading:
        """As the door takes it. A record that cannot be taken lies among the rejected ones, to be mended as it is."""
        line = to_json(self.record)
        if not self.problems:
            return read(line, sender)
        feed, source_id, at = self.record["feed"], self.record.get("source_id"), revision_in(self.record)
        return Reading(line, feed, source_id, None, self.problems, sender, at=at)

    def place_of(self, field: str) -> str:
        """Where a field of the record stands in the message, as exactly as it is known."""
        known = [name for name in self.places if field == name or field.startswith(f"{name}.")]
        return self.places[max(known, key=len)] if known else self.place


class Unused(NamedTuple):
    """Something that was read and has no use here, with the reason in words. It is told, and is no record."""

    place: str
    why: Problem


class Answered(NamedTuple):
    """An item and its verdict."""

    item: Item
    verdict: Verdict


Translated = list[Item | Unused]
Told = list[Answered | Unused]
