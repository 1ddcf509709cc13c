"""From what a message says to its verdicts: one transaction a message; nothing that is read can stop the feed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
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
from services.intake.rules.revisions import FIRST
from services.intake.sender import Sender
from services.intake.store import books, people, records
from services.intake.vault import Vault

log = structlog.get_logger()

_NOBODY = Sender("", ("",))
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
    [said] = await of_use(door, [said])
    items = [each for each in said if isinstance(each, Item)]
    desk = await door.desk()

    async def mend(tx: Tx) -> None:
        if mends:
            await books.drop_mended(tx, [(desk.pepper.found_by(*mends), FIRST)])

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


async def of_use(door: Door, groups: Sequence[Translated]) -> list[Translated]:
    """What is kept of messages: a person's data if something is recorded here of that person, for a hospital has other
    patients too; a withdrawal `only_if_known` of what was said."""
    items = [each for said in groups for each in said if isinstance(each, Item) and depends(each)]
    if not items:
        return [*groups]
    desk = await door.desk()

    async def look(tx: Tx) -> dict[int, int]:
        vault = (await desk.read(tx)).vault
        details = [(id(each), each.reading(_NOBODY)) for each in items if _is_details(each)]
        named = {each: _finds(reading, vault) for each, reading in details}
        gone = [(each, desk.pepper.found_by(*_names(each))) for each in items if each.only_if_known]
        owners = await people.find_owners(tx, {find for finds in named.values() for find in finds})
        revisions = await records.revisions_of(tx, [found_by for _, found_by in gone])
        of_persons = {each for each, finds in named.items() if not owners.keys().isdisjoint(finds)}
        of_persons |= {each for each, reading in details if reading.problems}  # the door rejects it in words
        known = {id(each): revisions[found_by] for each, found_by in gone if found_by in revisions}
        return known | dict.fromkeys(of_persons, 0)

    kept = await door.looking(look)
    return [[told for each in said for told in _told(each, kept)] for said in groups]


def _names(item: Item) -> tuple[str, str]:
    return item.record["feed"], item.record["source_id"]


def depends(each: Item | Unused) -> bool:
    """Whether `of_use` must look for it."""
    return _is_details(each) or (isinstance(each, Item) and each.only_if_known)


def _is_details(each: Item | Unused) -> bool:
    return isinstance(each, Item) and each.record.get("kind") == "person-details"


def _after(each: Item, known: int) -> Item:
    """A withdrawal that tells no revision, as of what a server has deleted, takes back what is known now."""
    if each.only_if_known and "revision" in each.record:
        return each._replace(record={**each.record, "revision": known + 1})
    return each


def _finds(reading: Reading, vault: Vault) -> set[bytes]:
    """By what the people whom it names are found."""
    return {find.found_by for each in reading.mentions for find in subject_of_mention(vault, each).finds}


def _told(each: Item | Unused, kept: Mapping[int, int]) -> Translated:
    """The same, or what is said in its place. kept: what goes on -> the revision known of what it withdraws."""
    if not depends(each):
        return [each]
    if isinstance(each, Item) and id(each) in kept:
        return [_after(each, kept[id(each)])]
    return [Unused(each.place, Problem("", "person_not_known"))] if _is_details(each) else []
