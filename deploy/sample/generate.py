"""The whole sample, from a seed and a scale."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from deploy.sample.blemishes import blemish
from deploy.sample.canvass import call_again, plan_visits, send_visits
from deploy.sample.caring import choose_slips, send_care
from deploy.sample.cases import send_cases
from deploy.sample.cast import Case, Cast, Contact, Role, find_cases
from deploy.sample.counts import GRIDS, Counts, counts_at
from deploy.sample.exposures import send_exposures
from deploy.sample.mail import Mail, write_feeds
from deploy.sample.meetings import (
    around_the_excluded,
    close_contacts,
    converts,
    infect,
    involved,
    mistakes,
    passers_by,
    secondary_contacts,
)
from deploy.sample.people import Household, Registry, settle
from deploy.sample.places import CITY, HEART, load_places
from deploy.sample.pools import send_pools
from deploy.sample.posts import write_posts
from deploy.sample.stays import Care, cut_short, plan_care
from deploy.sample.steps import HOUR, march, step_at
from deploy.sample.timeline import write_timeline
from deploy.sample.truth import truth_of

_NOTES = {
    march(5, "05:30"): "the city adopts the values that the plan leaves provisional; a routine tube is positive",
    march(5, "06:30"): "its ten people were sampled again: one preliminary positive in Jiashan (Notice 003)",
    march(5, "08:00"): "the index case is isolated; the first contacts are named",
    march(5, "10:00"): "grid workers are at every door; somebody is feverish",
    march(5, "13:00"): "a fever clinic suspects a case; pooled tests begin in Jiashan",
    march(5, "14:00"): "another clinic suspects a case, who will be excluded in the evening",
    march(5, "16:00"): "the feverish person is positive: all who were named at noon are contacts now",
    march(5, "20:00"): "the suspect is excluded: proposals around that person are withdrawn",
    march(6, "00:05"): "a tube of the first round is positive",
    march(6, "08:00"): "the first case under control: contacts of a contact become close contacts",
    march(8, "17:00"): "two more cases under control; one is reported too late",
    march(9, "17:00"): "a case under control that nobody ever reports",
    march(28, "00:05"): "the last are released",
}


def generate(out_dir: Path, scale: float = 0.1, seed: int = 1) -> dict[str, Any]:
    """Write grids.csv, posts.ndjson, timeline.json, feeds/ and truth.json into out_dir. Returns the truth.

    The same scale and seed write the same bytes. Raises ValueError for a scale that does not work.
    """
    counts = counts_at(scale)
    places = load_places(GRIDS)
    registry = Registry(_chance(seed, "people"), counts.households)
    households = settle(registry, places.grids, places.names, _chance(seed, "homes"))
    plan_visits(households, _chance(seed, "visits"))
    cast = Cast.of(households, registry, _chance(seed, "cast"))
    cases, contacts = _outbreak(counts, cast, places.grids)
    mail = _send(counts, households, cases, contacts, seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    places.write_grids(out_dir / "grids.csv")
    write_posts(places, out_dir / "posts.ndjson")
    write_timeline(out_dir, write_feeds(mail, out_dir / "feeds"), {step_at(at): note for at, note in _NOTES.items()})
    truth = {"scale": scale, "seed": seed} | truth_of(mail, places)
    (out_dir / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return truth


def _chance(seed: int, subject: str) -> Random:
    """A stream of its own for each subject, so that a change in one leaves the others as they were."""
    return Random(f"{seed}:{subject}")


def _outbreak(counts: Counts, cast: Cast, grids: Sequence[str]) -> tuple[list[Case], list[Contact]]:
    """Cases and everybody who met them. The infected come last among the cases."""
    community = find_cases(counts.confirmed, cast, grids)
    infected = infect(counts.confirmed, cast, community)
    meetings = [case.infected for case in infected if case.infected]
    close = close_contacts(counts, cast, community, len(meetings))
    turned = converts(counts, cast, infected)
    others = secondary_contacts(counts, cast, close, turned)
    nothing = around_the_excluded(counts, cast, community) + mistakes(counts, cast, community[0])
    passing = passers_by(counts, cast, community)
    return community + infected, meetings + close + turned + others + nothing + passing


def _send(
    counts: Counts, households: Sequence[Household], cases: list[Case], contacts: Sequence[Contact], seed: int
) -> Mail:
    mail = Mail()
    for rule in ("report.case.direct", "contact_lookback"):
        mail.send(
            0, f"command-{CITY}", "policy-adoption", CITY, rule=rule, adopted_from=march(5, "00:00"),
            decided_by=f"command-{CITY}", document="嘉防控办〔2022〕1号",
        )  # fmt: skip
    at_the_door = {case.person.id_number: case.script.onset for case in cases if case.script.how == "canvassing"}
    visits = send_visits(mail, households, at_the_door, _chance(seed, "canvass"))
    call_again(mail, visits, counts.second_calls, _chance(seed, "second calls"))
    busy = involved(contacts, cases)
    crowd = [
        person
        for home in households
        if home.grid.startswith(HEART)
        for person in home.members
        if person.id_number and person.id_number not in busy
    ]
    send_pools(mail, crowd, cases, _chance(seed, "pools"))
    send_cases(mail, cases, _chance(seed, "cases"))
    send_exposures(mail, contacts, counts, _chance(seed, "exposures"))
    cares = _care(counts, contacts, cases, _chance(seed, "care"))
    slips = choose_slips(cares, counts, _chance(seed, "slips"))
    send_care(mail, cares, slips, _chance(seed, "caring"))
    blemish(mail, visits, counts, _chance(seed, "blemishes"))
    return mail


def _care(counts: Counts, contacts: Sequence[Contact], cases: Sequence[Case], rng: Random) -> list[Care]:
    """What is planned for each contact who is quarantined; some plans fail, in known numbers."""
    fates = _fates(counts, contacts, rng)
    suspected = [it for it in contacts if it.role is Role.FALSE_CLOSE][: counts.excluded_ordered]
    quarantined = (Role.INFECTED, Role.CLOSE, Role.CONVERT, Role.SECONDARY, Role.RING)
    kept = [it for it in contacts if it.role in quarantined]
    cares = [plan_care(it, fates.get(it, ""), rng) for it in [*kept, *suspected]]
    by_number = {case.person.id_number: case for case in cases}
    for care in cares:
        case = by_number.get(care.contact.person.id_number)
        if case:
            left = case.script.hospital
            cut_short(care, left - HOUR / 2, step_at(left), case.script.sampled)
        elif care.contact.role is Role.FALSE_CLOSE:
            cut_short(care, march(5, "21:00"), step_at(march(5, "21:00")), march(5, "21:00"))
    return cares


def _fates(counts: Counts, contacts: Sequence[Contact], rng: Random) -> dict[Contact, str]:
    """Who is transferred too late or never, never ordered, or still in at the end."""
    close = [it for it in contacts if it.role is Role.CLOSE]
    secondary = [it for it in contacts if it.role is Role.SECONDARY]
    rng.shuffle(close)
    rng.shuffle(secondary)
    fates: dict[Contact, str] = {}
    for pool, fate, number in (
        (close, "late", counts.late_transfers),
        (close, "never_transferred", counts.never_transferred),
        (close, "still_in", counts.still_in // 2),
        (secondary, "never_ordered", counts.never_ordered),
        (secondary, "still_in", counts.still_in - counts.still_in // 2),
    ):
        fates |= {pool.pop(): fate for _ in range(number)}
    return fates
