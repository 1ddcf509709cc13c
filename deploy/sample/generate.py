"""The whole sample, from a seed and a scale."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from deploy.sample.blemishes import blemish
from deploy.sample.canvass import call_again, plan_visits, send_visits
from deploy.sample.caring import choose_slips, send_care
from deploy.sample.cases import send_cases
from deploy.sample.cast import Case, Cast, Contact
from deploy.sample.counts import GRIDS, Counts, counts_at
from deploy.sample.doubles import register_twice
from deploy.sample.duty import send_duty
from deploy.sample.exposures import send_exposures, send_places
from deploy.sample.forms.carrying import give_to_carriers, in_their_forms
from deploy.sample.leads import send_leads
from deploy.sample.mail import Mail, as_records, write_feeds
from deploy.sample.meetings import involved
from deploy.sample.needs import send_needs
from deploy.sample.people import Household, Person, Registry, settle
from deploy.sample.places import CITY, HEART, load_places
from deploy.sample.pools import send_pools
from deploy.sample.posts import write_posts
from deploy.sample.steps import march, step_at
from deploy.sample.story import outbreak, plan_all
from deploy.sample.timeline import write_timeline
from deploy.sample.truth import truth_of
from deploy.sample.vaccinations import send_vaccinations

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


def generate(out_dir: Path, scale: float = 0.1, seed: int = 1, *, in_forms: bool = True) -> dict[str, Any]:
    """Write grids.csv, posts.ndjson, timeline.json, feeds/ and truth.json into out_dir. Returns the truth.

    in_forms: some senders speak HL7 v2, FHIR, CloudEvents or by sheets; without it all send records. The same scale
    and seed write the same bytes. Raises ValueError for a scale that does not work.
    """
    counts = counts_at(scale)
    places = load_places(GRIDS)
    registry = Registry(_chance(seed, "people"), counts.households)
    households = settle(registry, places.grids, places.names, _chance(seed, "homes"))
    plan_visits(households, _chance(seed, "visits"))
    cast = Cast.of(households, registry, _chance(seed, "cast"))
    cases, contacts = outbreak(counts, cast, places.grids)
    mail, grid = _send(counts, households, cases, contacts, seed)
    others = _without_a_part(households, involved(contacts, cases), _chance(seed, "sought"))
    send_leads(mail, _sought(others, registry), places, counts.leads, grid, _chance(seed, "leads"))
    send_vaccinations(mail, others, counts.vaccinated, _chance(seed, "vaccinations"))
    if in_forms:
        give_to_carriers(mail)
    out_dir.mkdir(parents=True, exist_ok=True)
    places.write_grids(out_dir / "grids.csv")
    write_posts(places, out_dir / "posts.ndjson")
    files = write_feeds(mail, out_dir / "feeds", in_their_forms if in_forms else as_records)
    write_timeline(out_dir, files, {step_at(at): note for at, note in _NOTES.items()})
    head = {"scale": scale, "seed": seed, "planted": asdict(counts)}
    truth = head | truth_of(mail, places, grid)
    (out_dir / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return truth


def _chance(seed: int, subject: str) -> Random:
    """A stream of its own for each subject, so that a change in one leaves the others as they were."""
    return Random(f"{seed}:{subject}")


def _without_a_part(households: Sequence[Household], busy: Collection[str], rng: Random) -> Iterator[Person]:
    """People at home who are no case and no contact of anybody, by chance, each once."""
    known = [
        person for home in households for person in home.members if person.id_number and person.id_number not in busy
    ]
    return iter(rng.sample(known, len(known)))


def _sought(others: Iterator[Person], registry: Registry) -> Iterator[Person]:
    """Whom leads are about: in turn somebody at home and somebody whom no grid worker met."""
    for person in others:
        yield person
        yield registry.person(person.grid, adult=True)


def _send(
    counts: Counts, households: Sequence[Household], cases: list[Case], contacts: Sequence[Contact], seed: int
) -> tuple[Mail, str]:
    """The records, and the grid of the one worker who has a page."""
    mail = Mail()
    for rule in ("report.case.direct", "contact_lookback"):
        mail.send(
            0, f"command-{CITY}", "policy-adoption", CITY, rule=rule, adopted_from=march(5, "00:00"),
            decided_by=f"command-{CITY}", document="嘉防控办〔2022〕1号",
        )  # fmt: skip
    at_the_door = {case.person.id_number for case in cases if case.script.how == "canvassing"}
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
    send_places(mail, cases)
    cares = plan_all(counts, contacts, cases, _chance(seed, "care"))
    slips = choose_slips(cares, counts, _chance(seed, "slips"))
    send_care(mail, cares, slips, _chance(seed, "caring"))
    register_twice(mail, cares, counts)
    blemish(mail, visits, counts, _chance(seed, "blemishes"))
    send_needs(mail, cares, counts.needs, _chance(seed, "needs"))
    return mail, send_duty(mail, households, cares)
