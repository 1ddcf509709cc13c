"""What goes wrong on the way: corrections, rows that are wrong, rows that are mended, rows that come twice."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from deploy.sample.canvass import is_calm
from deploy.sample.counts import Counts
from deploy.sample.mail import Mail, Sent, Verdict
from deploy.sample.people import Record
from deploy.sample.steps import STEPS

_FEVER_LINE = 37.3


def blemish(mail: Mail, visits: Sequence[Sent], counts: Counts, rng: Random) -> None:
    """Everything below, each on records of its own."""
    _correct_calls(mail, visits, counts.corrected_calls, rng)
    _correct_checks(mail, counts.corrected_checks, rng)
    _make_unclear(mail, counts.unclear_tests, rng)
    untouched: dict[str, list[Sent]] = {}
    for sent in _untouched(mail):
        untouched.setdefault(sent.kind, []).append(sent)
    _mend(untouched["household-visit"], mail, counts.bad_rows, rng)
    _send_bad_rows(mail, untouched, counts.bad_rows, rng)
    _change_silently(mail, untouched["tube-result"], counts.bad_rows, rng)
    _repeat(mail, counts.repeats, rng)


def _untouched(mail: Mail) -> list[Sent]:
    """Records that no correction follows."""
    revised = {sent.statement for sent in mail.sent if sent.record.get("revision", 1) > 1}
    return [sent for sent in mail.sent if sent.statement not in revised]


def _correct_calls(mail: Mail, visits: Sequence[Sent], number: int, rng: Random) -> None:
    """Half: a member did not live there; half: a thermometer was read wrongly, and there was no fever."""
    shared = [visit for visit in visits if is_calm(visit) and len(visit.record["members"]) > 1]
    for visit in rng.sample(shared, number // 2):
        mail.correct(visit, visit.step + rng.randint(1, 6), members=visit.record["members"][:-1])
    hot = [visit for visit in visits if any(_is_hot(member) for member in visit.record["members"])]
    for visit in rng.sample(hot, min(number // 2, len(hot) // 2)):
        cooled = [
            member | {"temperature_celsius": 36.6, "symptoms": []} if _is_hot(member) else member
            for member in visit.record["members"]
        ]
        mail.correct(visit, visit.step + rng.randint(1, 6), members=cooled)


def _is_hot(member: Record) -> bool:
    """Feverish by the thermometer alone, so not one of the cases."""
    return bool(member.get("temperature_celsius", 0) >= _FEVER_LINE and "cough" not in member.get("symptoms", ()))


def _correct_checks(mail: Mail, number: int, rng: Random) -> None:
    """A temperature in a visit was mistyped; the visit was made all the same."""
    checks = [sent for sent in mail.sent if sent.kind == "visit" and "source_id" in sent.record]
    for check in rng.sample(checks, number):
        mail.correct(check, min(check.step + 2, len(STEPS) - 1), temperature_celsius=36.4)


def _make_unclear(mail: Mail, number: int, rng: Random) -> None:
    """The laboratory first says that it cannot tell, then corrects itself."""
    tests = [sent for sent in mail.sent if sent.kind == "test" and sent.record["result"] == "negative"]
    for test in rng.sample(tests, number):
        test.record["result"] = "inconclusive"
        mail.correct(test, min(test.step + 1, len(STEPS) - 1), result="negative")


def _mend(visits: Sequence[Sent], mail: Mail, number: int, rng: Random) -> None:
    """Rejected at first, sent again as it should have been one step later."""
    for visit in rng.sample(visits, number):
        broken = copy.deepcopy(visit.record)
        _misspell_number(broken["members"][0])
        mail.refuse(visit.step, broken)
        visit.step += 1


def _misspell_number(member: Record) -> None:
    number = member["person"]["id_number"]
    member["person"]["id_number"] = number[:-1] + ("1" if number[-1] != "1" else "2")


def _set(field: str, value: Any) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record[field] = value

    return change


def _drop(field: str) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        del record[field]

    return change


def _name_nobody(record: Record) -> None:
    record.pop("person", None)
    record.pop("person_ref", None)


def _unknown_grid(record: Record) -> None:
    record["division_code"] = record["division_code"][:12] + "999"


BREAKS: tuple[tuple[str, str, Callable[[Record], None]], ...] = (
    ("no such division", "household-visit", _set("division_code", "999999")),
    ("no such grid", "household-visit", _unknown_grid),
    ("the number's check digit is wrong", "household-visit", lambda record: _misspell_number(record["members"][0])),
    ("there is no such day", "household-visit", _set("visited_at", "2022-02-30T09:00:00+08:00")),
    ("a time without its offset", "visit", _set("visited_at", "2022-03-06T09:00:00")),
    ("no such kind", "household-visit", _set("kind", "household-vist")),
    ("no such channel", "household-visit", _set("channel", "drone")),
    ("no such result", "test", _set("result", "faintly positive")),
    ("no such way", "exposure", _set("way", "waved")),
    ("a field is missing", "household-visit", _drop("visited_at")),
    ("nobody is named", "visit", _name_nobody),
    ("nobody is so hot", "visit", _set("temperature_celsius", 365.0)),
)
"""What is wrong, in which kind of record, and how it is made so."""


def _send_bad_rows(mail: Mail, originals: Mapping[str, Sequence[Sent]], number: int, rng: Random) -> None:
    """Copies of good records, each with an id of its own and one thing wrong."""
    for why, (_, kind, damage) in enumerate(BREAKS, 1):
        for copy_number, sent in enumerate(rng.sample(originals[kind], number), 1):
            broken = copy.deepcopy(sent.record) | {"source_id": f"{sent.feed}-bad-{why:02d}-{copy_number:03d}"}
            damage(broken)
            mail.refuse(sent.step, broken)


def _change_silently(mail: Mail, tubes: Sequence[Sent], number: int, rng: Random) -> None:
    """Other content under an id and a revision that the door already has."""
    for sent in rng.sample(tubes, number):
        at = datetime.fromisoformat(sent.record["resulted_at"]).replace(second=30)
        mail.refuse(sent.step + 1, sent.record | {"resulted_at": at.isoformat()})


def _repeat(mail: Mail, number: int, rng: Random) -> None:
    """Single records, and one whole file whose answer was lost."""
    good = [sent for sent in _untouched(mail) if sent.verdict is Verdict.ACCEPTED]
    for sent in rng.sample(good, number):
        mail.repeat(sent, min(sent.step + rng.randint(0, 3), len(STEPS) - 1))
    file = next(sent for sent in good if sent.kind == "household-visit" and sent.step > 5)
    for sent in [other for other in good if (other.step, other.feed) == (file.step, file.feed)]:
        mail.repeat(sent, sent.step + 2)
