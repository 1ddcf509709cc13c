"""What laboratories and institutions send about the cases themselves: tests, findings, reports, classifications."""

from __future__ import annotations

from random import Random

from deploy.sample.cast import Case
from deploy.sample.mail import Mail
from deploy.sample.steps import HOUR, MINUTE, STEPS, step_at

_HOSPITAL, _WARD = "hospital-3304", "hospital-3304-infectious"


def send_cases(mail: Mail, cases: list[Case], rng: Random) -> None:
    """Everything about each case but the meetings and the quarantine."""
    for number, case in enumerate(cases, 1):
        _tests(mail, case, rng)
        _finding(mail, case)
        _report(mail, case)
        _settled(mail, case)
        _hospital(mail, case, f"ward-{number:04d}")


def _tests(mail: Mail, case: Case, rng: Random) -> None:
    """The first sample, and the one that settles it; both negative where the case is excluded."""
    script, person = case.script, case.person
    negative = script.last == "excluded"
    result, ct_value = ("negative", None) if negative else ("positive", round(rng.uniform(17, 33), 1))
    second = script.sampled + (script.settled - script.sampled) // (2 * MINUTE) * MINUTE
    for sampled, resulted in ((script.sampled, script.resulted), (second, script.settled - 5 * MINUTE)):
        mail.send(
            step_at(resulted), f"lab-{script.county}", "test", person.grid, **person.in_short(),
            sampled_at=sampled, resulted_at=resulted, result=result, ct_value=ct_value,
        )  # fmt: skip


def _finding(mail: Mail, case: Case) -> None:
    """A finding with its report in it lies some minutes before the step, any other exactly at it.

    So nobody can say that a clock had been running before it could be read.
    """
    script, at = case.script, STEPS[case.found]
    at_once = script.report == "at_once"
    mail.send(
        case.found, script.feed, "case-finding", case.person.grid, **case.person.in_full(),
        classification=script.first, found_at=at - 12 * MINUTE if at_once else at, found_how=script.how,
        onset_at=script.onset, institution=script.feed, reported_at=at - 3 * MINUTE if at_once else None,
    )  # fmt: skip


def _report(mail: Mail, case: Case) -> None:
    """The report of its own: in time two steps later, or too late on the next morning but one step."""
    script = case.script
    if script.report == "in_time":
        step = case.found + 2
        reported = STEPS[step] - 15 * MINUTE
    elif script.report == "late" and script.reported:
        step, reported = case.found + 3, script.reported
    else:
        return
    mail.send(
        step, script.feed, "case-report", case.person.grid, **case.person.in_short(),
        reported_at=reported, institution=script.feed,
    )  # fmt: skip


def _settled(mail: Mail, case: Case) -> None:
    script = case.script
    mail.send(
        step_at(script.settled), script.feed, "case-classification", case.person.grid, **case.person.in_short(),
        classification=script.last, classified_at=script.settled,
    )  # fmt: skip


def _hospital(mail: Mail, case: Case, placement: str) -> None:
    """Isolation of the ill; the one who is excluded goes home."""
    script, person = case.script, case.person
    mail.send(
        step_at(script.hospital), _HOSPITAL, "placement", person.grid, **person.in_short(),
        placement_id=placement, mode="hospital", site_id=_WARD, started_at=script.hospital,
    )  # fmt: skip
    if script.last == "excluded":
        left = script.settled + 2 * HOUR
        mail.send(
            step_at(left), _HOSPITAL, "placement-end", person.grid, **person.in_short(),
            placement_id=placement, ended_at=left,
        )  # fmt: skip
