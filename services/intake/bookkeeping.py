"""The ledger and the rejected rows: written in the transaction whose records they count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from services.chassis.database import Tx
from services.intake.desk import Desk
from services.intake.problems import Language, Problem
from services.intake.reading import ADDED_TO_REJECTS, LARGEST_LINE, Reading
from services.intake.rules.revisions import Revision
from services.intake.store import books
from services.intake.verdicts import ACCEPTED, DUPLICATE, REJECTED, Verdict


async def keep_books(
    tx: Tx, now: datetime, readings: Sequence[Reading], verdicts: Sequence[Verdict], desk: Desk
) -> None:
    """Count what came in and what became of it, keep what was rejected, let go of what is mended."""
    waiting, settled = dict[bytes, books.Reject](), list[tuple[bytes, Revision]]()
    for reading, verdict in zip(readings, verdicts, strict=True):
        if verdict.word == REJECTED:
            reject = _reject(reading, verdict, desk)
            waiting[reject.body_hash] = reject
        elif verdict.found_by and (at := _settles(verdict)):
            settled.append((verdict.found_by, at))
            waiting = {each: kept for each, kept in waiting.items() if not _mends(verdict.found_by, at, kept)}
    await books.drop_mended(tx, settled)
    await books.keep_rejects(tx, waiting.values(), now)
    await books.count(tx, _counts(readings, verdicts), now)


def _settles(verdict: Verdict) -> Revision | None:
    """Up to which revision nothing of the record need be mended any more.

    What may come in any order is settled when it is known already, too; it was given no number then.
    """
    if verdict.word == ACCEPTED:
        return verdict.at
    return verdict.at._replace(number=0) if verdict.at.in_any_order else None


def _mends(found_by: bytes, at: Revision, reject: books.Reject) -> bool:
    """A row that tells its revision in another way waits: which of them is the later one cannot be known."""
    against = reject.at.against(at)
    return reject.of_record == found_by and against is not None and against <= 0


def _counts(readings: Sequence[Reading], verdicts: Sequence[Verdict]) -> dict[str, books.Counts]:
    """Received by what came in, the rest by what was answered: a record without a verdict shows as pending."""
    received, became = dict[str, int](), dict[str, list[str]]()
    for reading in readings:
        received[reading.feed] = received.get(reading.feed, 0) + 1
    for verdict in verdicts:
        became.setdefault(verdict.feed, []).append(verdict.word)
    return {
        feed: books.Counts(number, *(became[feed].count(word) for word in (ACCEPTED, DUPLICATE, REJECTED)))
        for feed, number in received.items()
    }


def _reject(reading: Reading, verdict: Verdict, desk: Desk) -> books.Reject:
    body_hash = desk.pepper.content_hash(reading.line)
    # The problems are sealed too: a field that the sender made up may be anything.
    problems = to_json([(problem.field, problem.code, problem.params) for problem in verdict.problems])
    sealed = desk.vault.seal(problems + b"\n" + reading.line[:LARGEST_LINE], body_hash.hex())
    return books.Reject(body_hash, verdict.feed, verdict.found_by, sealed, verdict.at)


def to_be_mended(desk: Desk, kept: books.KeptReject, language: Language) -> dict[str, Any]:
    """A rejected row as it was sent, with the reason beside it: mend it and send it again as it is."""
    problems, _, line = desk.vault.open(kept.sealed, kept.body_hash.hex()).partition(b"\n")
    told = [Problem(*each).told(language) for each in from_json(problems)]
    reasons = (f"{each['field']}: {each['why']} -> {each['would_be_right']}" for each in told)
    try:
        content = from_json(line)
    except ValueError:
        content = None
    row = content if isinstance(content, dict) else {"unreadable": line.decode(errors="replace")}
    return {**row, ADDED_TO_REJECTS: "; ".join(reason.removeprefix(": ") for reason in reasons)}
