"""Who speaks how: laboratories HL7 v2 (MLLP, HTTP), hospitals FHIR, a county's platform Kafka, offices sheets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from deploy.sample.duty import WORKERS_FEED
from deploy.sample.forms.cloudevents import as_events
from deploy.sample.forms.fhir import as_bundle
from deploy.sample.forms.hl7 import as_frames, as_lines
from deploy.sample.forms.register import as_register, fits_register
from deploy.sample.mail import Mail, Sent, Verdict, as_records

SOURCES = Path(__file__).parents[1] / "sources"
"""What intake must know of these senders (`GRIDWARD_SOURCES`)."""
UPSTREAM_TOPIC = "upstream-jiashan"
_BY_SHEET = "330483"
"""The county whose offices send their first round as sheets."""


class Form(NamedTuple):
    """suffix: of the file of one step and feed. write: its content."""

    suffix: str
    write: Callable[[Sequence[Sent]], bytes]


FORMS: Mapping[str, Form] = {
    "lis-haiyan": Form(".mllp", as_frames),
    "lis-nanhu": Form(".hl7", as_lines),
    "platform-jiashan": Form(".upstream.ndjson", as_events),
    "his-jiaxing": Form(".fhir.json", as_bundle),
    WORKERS_FEED: Form(".taps.ndjson", lambda received: as_records(WORKERS_FEED, received)[1]),
    "sheet-household-register": Form(".register.xlsx", as_register),
}
"""By feed; all other feeds send canonical records."""
_TESTS_OF = {"lab-330424": "lis-haiyan", "lab-330402": "lis-nanhu", "lab-330421": "platform-jiashan"}


def give_to_carriers(mail: Mail) -> None:
    """Some records change their feed, with every correction and repeat of them, and nothing else of them."""
    _note_when_made(mail)
    for sent in mail.sent:
        if sent.kind == "test" and "person" in sent.record:
            _hand_over(sent, _TESTS_OF.get(sent.feed))
        elif sent.kind == "vaccination" and sent.feed.startswith("hospital-"):
            _hand_over(sent, "his-jiaxing")
    for sent in _plain_visits(mail):
        _hand_over(sent, "sheet-household-register")
    for sent in mail.sent:
        sent.forget_statement()


def in_their_forms(feed: str, received: Sequence[Sent]) -> tuple[str, bytes]:
    """The suffix and the content of the file of a step and feed."""
    form = FORMS.get(feed)
    return (form.suffix, form.write(received)) if form else as_records(feed, received)


def _note_when_made(mail: Mail) -> None:
    """A repeat says again what was made before, at the time of then."""
    made: dict[tuple[tuple[str, str], int], int] = {}
    for sent in mail.sent:
        revision = sent.statement, sent.record.get("revision", 1)
        sent.made = made[revision] = min(made.get(revision, sent.step), sent.step)


def _hand_over(sent: Sent, feed: str | None) -> None:
    """A repeat is the very same record, handed over with the first."""
    if feed is not None:
        sent.record["feed"] = feed


def _plain_visits(mail: Mail) -> list[Sent]:
    """Visits in that county that nothing else speaks of: a sheet knows neither revisions nor dwellings by number."""
    of_home: dict[str, list[Sent]] = defaultdict(list)
    for sent in mail.sent:
        if "dwelling" in sent.record:
            of_home[sent.record["dwelling"]["ref"]].append(sent)
    alone = [its[0] for its in of_home.values() if len(its) == 1]
    return [
        sent
        for sent in alone
        if sent.record["division_code"].startswith(_BY_SHEET)
        and sent.verdict is Verdict.ACCEPTED
        and sent.kind == "household-visit"
        and fits_register(sent.record)
    ]
