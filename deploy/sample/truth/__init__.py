"""What must come out of a sample, worked out from its records and the rules alone, without any service.

`book` reads the records, `contacts` and `care` say how people stand, `clocks` and `telling` who is told what and when,
`figures` adds up.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from deploy.sample.duty import WORKER
from deploy.sample.mail import Mail
from deploy.sample.places import Places
from deploy.sample.steps import STEPS
from deploy.sample.truth.care import care_of_all
from deploy.sample.truth.contacts import classified
from deploy.sample.truth.figures import figures, instant_of
from deploy.sample.truth.owed import owed_in
from deploy.sample.truth.telling import Told, digests, tell


def truth_of(mail: Mail, places: Places, workers_grid: str = "") -> dict[str, Any]:
    """Everything that `truth.json` says but scale and seed. Raises StoryError for a story that has a race.

    workers_grid: of the one worker whose list is counted.
    """
    told = tell(mail)
    cases = classified(told.book)
    care = care_of_all(told.book, told.exposed, cases)
    return {
        "records": len(mail.sent),
        "figures": figures(told, cases, care, places),
        "ledger": _ledger(mail),
        "people": _people(told),
        "worker": {"post_id": WORKER, "division_code": workers_grid, "today": owed_in(told.book, workers_grid)},
        "end_states": _end_states(told, cases, care),
        "clocks": _clocks(told),
        "missed_visits": sorted((slot.person, slot.begin.isoformat()) for slot in told.missed),
        "messages": [{"at": at, "post_id": post, "items": items} for at, post, items in digests(told)],
    }


def _ledger(mail: Mail) -> dict[str, dict[str, int]]:
    """By feed: received = accepted + duplicate + rejected."""
    verdicts = Counter((sent.feed, sent.verdict.value) for sent in mail.sent)
    return {
        feed: {"received": sum(verdicts[feed, verdict] for verdict in ("accepted", "duplicate", "rejected"))}
        | {verdict: verdicts[feed, verdict] for verdict in ("accepted", "duplicate", "rejected")}
        for feed in sorted({feed for feed, _ in verdicts})
    }


def _people(told: Told) -> dict[str, int]:
    by_ref = sum(told.book.people.values())
    return {"known": len(told.book.people), "by_id_number": len(told.book.people) - by_ref, "by_person_ref": by_ref}


def _end_states(told: Told, cases: dict[str, str], care: dict[str, str]) -> dict[str, dict[str, str | None]]:
    """Of everybody who is or was a contact or a case, by number."""
    return {
        person: {
            "category": told.exposed[person].category if person in told.exposed else None,
            "classification": cases.get(person),
            "care": care.get(person, "none"),
        }
        for person in sorted({*told.ever, *cases, *care})
    }


def _clocks(told: Told) -> list[dict[str, str | None]]:
    return [
        {
            "id_number": clock.person,
            "deadline": clock.deadline,
            "verdict": clock.verdict(STEPS[-1]),
            "started_at": clock.started_at.isoformat(),
            "due_at": instant_of(clock.due_at),
            "stopped_at": instant_of(clock.stopped_at),
        }
        for _, clock in sorted(told.clocks.items())
    ]
