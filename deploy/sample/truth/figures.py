"""The figures at rest, by county, for the city and for the province: all of them are sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from deploy.sample.places import CITY, PROVINCE, Places
from deploy.sample.posts import division_of_post
from deploy.sample.steps import STEPS, day_of
from deploy.sample.truth.book import Book, Said, who
from deploy.sample.truth.leads import followed
from deploy.sample.truth.release import free_to_go
from deploy.sample.truth.telling import Told

FEVER_LINE_CELSIUS = 37.3
_FOUND_HOW = ("canvassing", "mass_testing", "fever_clinic", "under_control", "line_list", "unknown")
_BY_CASE = {
    "confirmed": "cases-confirmed",
    "preliminary_positive": "cases-preliminary",
    "suspected": "cases-suspected",
    "asymptomatic": "cases-asymptomatic",
}
_BY_CATEGORY = {"close": "close-contacts", "secondary": "secondary-contacts", "casual": "casual-contacts"}
_BY_CARE = {
    "awaiting_order": "awaiting-order",
    "awaiting_transfer": "awaiting-transfer",
    "central_quarantine": "in-central-quarantine",
    "home_quarantine": "in-home-quarantine",
    "home_health_monitoring": "in-health-monitoring",
    "isolated": "isolated",
    "released": "released",
}
_IN_QUARANTINE = ("central_quarantine", "home_quarantine")
_JUDGED = ("kept", "late", "missed", "undecided", "unlimited")
_BY_STEP = {
    "lead": "leads-received",
    "lead-landed": "leads-landed",
    "lead-not-found": "leads-not-found",
    "lead-closed": "leads-closed",
    "need": "needs-asked",
    "need-met": "needs-met",
}
INDICATORS = (
    "households-canvassed", "persons-screened", "feverish", "arrivals", "tubes-sampled", "persons-sampled",
    "tubes-positive", "tests-done", "tests-positive", "cases-confirmed",
    *(f"cases-confirmed.{how}" for how in _FOUND_HOW), "cases-preliminary", "cases-suspected", "cases-asymptomatic",
    "persons-vaccinated", "doses-given", *_BY_CATEGORY.values(), "contacts-provisional", "at-named-places",
    *_BY_CARE.values(), "in-quarantine",
    "proposals-open", "samplings-due", "releases-due", "visits-done", "visits-missed",
    *(f"deadlines-{verdict}" for verdict in _JUDGED), *(f"deadlines-{verdict}.provisional" for verdict in _JUDGED),
    "deadlines-running", *_BY_STEP.values(), "leads-open", "messages-sent",
)  # fmt: skip
"""Every one that the services have; of those that nothing here counts the truth is 0."""
Counted = tuple[str, str]
"""An indicator and the division where it is counted."""


def figures(told: Told, cases: Mapping[str, str], care: Mapping[str, str], places: Places) -> dict[str, dict[str, int]]:
    """By division, then by indicator; a division's figure is what is counted there and below."""
    counts = Counter(
        [
            *_canvassed(told.book),
            *_tested(told.book),
            *_vaccinated(told.book),
            *_judged(told),
            *_at_places(told.book),
            *_followed(told),
        ]
    )
    counts.update([*_people(told, cases, care), *_due(told, care)])
    figures = {}
    for division in (PROVINCE, CITY, *places.counties):
        its: Counter[str] = Counter()
        for (indicator, where), number in counts.items():
            its[indicator] += number if where.startswith(division) else 0
        figures[division] = {indicator: its[indicator] for indicator in INDICATORS}
    return figures


def _canvassed(book: Book) -> Iterator[Counted]:
    """Households and persons once a round, where they were first met; one feverish once is feverish."""
    seen: set[tuple[str, str, str]] = set()
    for said in sorted(book.of("household-visit"), key=lambda said: said.at("visited_at")):
        for indicator, subject in _met(said):
            once = (indicator, said.record["round_id"], subject)
            if once not in seen:
                seen.add(once)
                yield indicator, said.record["division_code"]


def _met(said: Said) -> Iterator[tuple[str, str]]:
    yield "households-canvassed", said.record["dwelling"]["ref"]
    for member in said.record["members"]:
        yield "persons-screened", who(member)
        hot = member.get("temperature_celsius", 0) >= FEVER_LINE_CELSIUS
        if hot or "fever" in member.get("symptoms", ()):
            yield "feverish", who(member)
        if "arrival" in member:
            yield "arrivals", who(member)


def _tested(book: Book) -> Iterator[Counted]:
    for said in book.of("tube"):
        yield "tubes-sampled", said.record["division_code"]
        yield from (("persons-sampled", member["division_code"]) for member in said.record["members"])
    for said in book.of("tube-result"):
        if said.record["result"] == "positive":
            yield "tubes-positive", said.record["division_code"]
    for said in book.of("test"):
        yield "tests-done", said.record["division_code"]
        if said.record["result"] == "positive":
            yield "tests-positive", said.record["division_code"]


def _vaccinated(book: Book) -> Iterator[Counted]:
    """A dose once a person and day, however many tell of it; nobody moves, so any of the records says where."""
    doses = {(said.who, day_of(said.at("given_at"))): said.record["division_code"] for said in book.of("vaccination")}
    yield from (("persons-vaccinated", where) for where in {who: where for (who, _), where in doses.items()}.values())
    yield from (("doses-given", where) for where in doses.values())


def _at_places(book: Book) -> Iterator[Counted]:
    """Once a person and place, however many tell of it; everybody's home is where it is told."""
    places = {(who(said.record), said.record["place_id"]): said.record for said in book.of("place-exposure")}
    yield from (("at-named-places", record["division_code"]) for record in places.values())


def _people(told: Told, cases: Mapping[str, str], care: Mapping[str, str]) -> Iterable[Counted]:
    """Everybody by case, category and care; who was found how by the finding."""
    homes = told.book.homes
    how = {said.who: said.record.get("found_how", "unknown") for said in told.book.of("case-finding")}
    for person, word in cases.items():
        if word in _BY_CASE:
            yield _BY_CASE[word], homes[person]
        if word == "confirmed":
            yield f"cases-confirmed.{how.get(person, 'unknown')}", homes[person]
    yield from ((_BY_CATEGORY[its.category], homes[person]) for person, its in told.exposed.items())
    yield from ((_BY_CARE[word], homes[person]) for person, word in care.items())
    yield from (("in-quarantine", homes[person]) for person, word in care.items() if word in _IN_QUARANTINE)


def _due(told: Told, care: Mapping[str, str]) -> Iterator[Counted]:
    """What somebody has to do: decide, release, sample. Nothing rests on a provisional value: the city adopted them."""
    homes = told.book.homes
    yield from (("proposals-open", homes[person]) for person, word in care.items() if word == "awaiting_order")
    yield from (("releases-due", homes[person]) for person in free_to_go(told.book, told.exposed, care))
    sampled = {(who(said.record), said.at("sampled_at")) for said in told.book.of("test")}
    results = (said for said in told.book.of("tube-result") if said.record["result"] == "positive")
    positive = {said.record["tube_id"]: said for said in results}
    for tube in told.book.of("tube"):
        since = positive[tube.record["tube_id"]].at("resulted_at") if tube.record["tube_id"] in positive else None
        for member in tube.record["members"]:
            if since and not any(person == who(member) and at > since for person, at in sampled):
                yield "samplings-due", member["division_code"]


def _judged(told: Told) -> Iterator[Counted]:
    homes, now = told.book.homes, STEPS[-1]
    for said in told.book.of("visit"):
        yield "visits-done", said.record["division_code"]
    for slot in told.missed:
        yield "visits-missed", homes[slot.person]
    for clock in told.clocks.values():
        if not clock.cancelled:
            yield f"deadlines-{clock.verdict(now)}", clock.division
    for _, post in told.messages:
        yield "messages-sent", division_of_post(post)


def _followed(told: Told) -> Iterator[Counted]:
    """Leads and needs: what came and what became of it; and the leads that the division which holds them let lie."""
    yield from ((_BY_STEP[kind], where) for kind, where in followed(told.book) if kind in _BY_STEP)
    for kind in ("need", "need-met"):
        yield from ((_BY_STEP[kind], said.record["division_code"]) for said in told.book.of(kind))
    for clock in told.clocks.values():
        if clock.of_lead and not clock.cancelled and clock.stopped_at is None:
            yield "leads-open", clock.division


def instant_of(clock_at: datetime | None) -> str | None:
    """An instant as text, or None."""
    return clock_at.isoformat() if clock_at else None
