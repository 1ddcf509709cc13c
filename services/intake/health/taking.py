"""From what a message says to its verdicts: one transaction a message; nothing that is read can stop the feed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

import structlog
from prometheus_client import Counter

from services.chassis.database import Tx
from services.intake.door import Door
from services.intake.health.items import Answered, Item, Told, Translated, Unused
from services.intake.health.sources import Source
from services.intake.identity import subject_of_mention
from services.intake.problems import Problem, Refused
from services.intake.reading import UNREADABLE, Reading
from services.intake.sender import Sender
from services.intake.store import books, people
from services.intake.vault import Vault

log = structlog.get_logger()
T = TypeVar("T")

MESSAGES = Counter(
    "gridward_health_messages_total",
    "Messages of health systems by what was answered: a source that falls silent, is refused, or says nothing of use.",
    ["feed", "form", "answer"],
)


def guarded(work: Callable[[], T]) -> T:
    """What an adapter says. A fault of ours becomes a refusal in words; the message is kept. Raises Refused."""
    try:
        return work()
    except Refused:
        raise
    except Exception as error:  # whatever a stranger's message brings about, the feed goes on
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("adapter failed", error=type(error).__name__, file=place.filename, line=place.lineno)
        raise Refused(Problem("", "adapter_failed")) from None


async def take(door: Door, said: Translated, sender: Sender, mends: tuple[str, str] | None = None) -> Told:
    """The verdicts of a message, in the order of what it says, after the commit.

    mends: feed and id under which the message itself may lie among the rejected ones, from when it could not be read.
    """
    said = await without_strangers(door, said)
    items = [each for each in said if isinstance(each, Item)]
    desk = await door.desk()

    async def mend(tx: Tx) -> None:
        if mends:
            await books.drop_mended(tx, [desk.pepper.found_by(*mends)])

    verdicts = iter(await door.admit_readings([item.reading(sender) for item in items], mend) if items else ())
    return [Answered(each, next(verdicts)) if isinstance(each, Item) else each for each in said]


async def refuse(
    door: Door, body: bytes, source: Source | None, sender: Sender, refused: Refused, source_id: str | None = None
) -> None:
    """Keep a message that cannot be taken among the rejected ones, as it came."""
    await door.admit_readings([refusal(body, source, sender, refused.problems, source_id)])


def refusal(
    body: bytes, source: Source | None, sender: Sender, problems: tuple[Problem, ...], source_id: str | None = None
) -> Reading:
    """A whole message as the door rejects it."""
    feed = source.feed if source else sender.feed or UNREADABLE
    return Reading(body, feed, source_id, None, problems, sender)


async def without_strangers(door: Door, said: Translated) -> Translated:
    """Data of a person are kept of those only of whom something is recorded here: a hospital has other patients too."""
    if not any(_is_details(each) for each in said):
        return said
    desk, nobody = await door.desk(), Sender("", ("",))

    async def look(tx: Tx) -> Translated:
        vault = (await desk.read(tx)).vault
        return [
            each
            if isinstance(each, Unused) or not _is_details(each) or await _is_known(tx, vault, each, nobody)
            else _stranger(each)
            for each in said
        ]

    return await door.looking(look)


def _is_details(each: Item | Unused) -> bool:
    return isinstance(each, Item) and each.record.get("kind") == "person-details"


def _stranger(item: Item) -> Unused:
    return Unused(item.place, Problem("", "person_not_known"))


async def _is_known(tx: Tx, vault: Vault, item: Item, nobody: Sender) -> bool:
    """Also what the door will reject in words is none of ours to judge."""
    reading = item.reading(nobody)
    finds = [find.found_by for each in reading.mentions for find in subject_of_mention(vault, each).finds]
    return bool(reading.problems) or bool(await people.find_owners(tx, finds))
