"""What a record says, as facts: one function a kind; the ids of persons and dwellings are given, nothing is looked up.

A statement's id is `<record id>.<role>.<member>`: the same for each revision of the record, without any identity. The
member is the person (or tube, dwelling, order) it is about, so a correction that names somebody else withdraws what
was said about the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, get_args

from contracts.envelope import Fact
from contracts.events.canvassing import ArrivalRegistered, CaseScreened, HouseholdCanvassed
from contracts.events.cases import CaseClassified, CaseFound, CaseReported
from contracts.events.contacts import ExposureNamed, PlaceExposureNamed
from contracts.events.people import PersonsMerged
from contracts.events.policies import PolicyAdopted, TimeAdvanced
from contracts.events.quarantine import (
    Measure,
    PersonVisited,
    PlacementEnded,
    PlacementStarted,
    QuarantineEnded,
    QuarantineOrdered,
)
from contracts.events.testing import Member, TestResulted, TubeResulted, TubeSampled
from contracts.events.vaccinations import PersonVaccinated
from services.intake import duties, records
from services.intake.common import Common
from services.intake.records import Record
from services.intake.rules import lead_facts
from services.intake.rules.statements import Ids, Saying, head, of_person, short


def sayings_of(record: Record, ids: Ids) -> list[Saying]:
    """Everything the record states, under its own revision."""
    return [Saying(record.division_code, fact) for fact in _SAYERS[type(record)](record, ids)]


_NAMES = ("person_id", "other_id", "dwelling_id")


def named_in(sayings: Iterable[Saying]) -> set[str]:
    """The ids of everybody, and of every dwelling, that statements are about."""
    facts = [saying.fact for saying in sayings]
    members = (member for fact in facts if isinstance(fact, TubeSampled) for member in fact.members)
    named = {getattr(fact, name) for fact in facts for name in _names_in(type(fact))}
    return {each for each in named if each} | {each.person_id for each in members}


@cache
def _names_in(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(name for name in _NAMES if name in kind.model_fields)


def _household_visit(record: records.HouseholdVisit, ids: Ids) -> Iterator[Fact]:
    yield HouseholdCanvassed(
        **head(record, ids, "canvassed", ids.dwelling_id),
        dwelling_id=ids.dwelling_id,
        round_id=record.round_id,
        canvassed_at=record.visited_at,
        channel=record.channel,
        persons_met=len(record.members),
    )
    for member, person_id in zip(record.members, ids.people, strict=True):
        yield CaseScreened(
            **head(record, ids, "screened", person_id),
            person_id=person_id,
            dwelling_id=ids.dwelling_id,
            round_id=record.round_id,
            screened_at=record.visited_at,
            temperature_celsius=member.temperature_celsius,
            symptoms=member.symptoms,
        )
        if member.arrival is not None:
            arrival = ArrivalRegistered(
                **head(record, ids, "arrived", person_id), person_id=person_id, **dict(member.arrival)
            )
            yield arrival


def _tube(record: records.Tube, ids: Ids) -> Iterator[Fact]:
    pairs = zip(record.members, ids.people, strict=True)
    members = tuple(Member(person_id=person_id, division_code=each.division_code) for each, person_id in pairs)
    yield TubeSampled(
        **head(record, ids, "sampled", short(record.tube_id)),
        tube_id=record.tube_id,
        sampled_at=record.sampled_at,
        members=members,
    )


def _tube_result(record: records.TubeResult, ids: Ids) -> Iterator[Fact]:
    begun = head(record, ids, "resulted", short(record.tube_id))
    yield TubeResulted(**begun, tube_id=record.tube_id, resulted_at=record.resulted_at, result=record.result)


def _test(record: records.SingleTest, ids: Ids) -> Iterator[Fact]:
    yield TestResulted(
        **of_person(record, ids, "tested"),
        sampled_at=record.sampled_at,
        resulted_at=record.resulted_at,
        result=record.result,
        ct_value=record.ct_value,
    )


def _vaccination(record: records.Vaccination, ids: Ids) -> Iterator[Fact]:
    begun = of_person(record, ids, "vaccinated")
    yield PersonVaccinated(**begun, vaccine=record.vaccine, dose_number=record.dose_number, given_at=record.given_at)


def _case_finding(record: records.CaseFinding, ids: Ids) -> Iterator[Fact]:
    yield CaseFound(
        **of_person(record, ids, "found"),
        classification=record.classification,
        found_at=record.found_at,
        found_how=record.found_how,
        onset_at=record.onset_at,
        institution=record.institution,
        precision=record.precision,
        infection_source=record.infection_source,
    )
    if record.reported_at is not None:
        yield CaseReported(
            **of_person(record, ids, "reported"),
            reported_at=record.reported_at,
            institution=record.institution,
            precision=record.precision,
        )
    begun = of_person(record, ids, "classified")
    yield CaseClassified(**begun, classification=record.classification, classified_at=record.found_at)


def _case_report(record: records.CaseReport, ids: Ids) -> Iterator[Fact]:
    begun = of_person(record, ids, "reported")
    yield CaseReported(**begun, reported_at=record.reported_at, institution=record.institution)


def _case_classification(record: records.CaseClassification, ids: Ids) -> Iterator[Fact]:
    begun = of_person(record, ids, "classified")
    yield CaseClassified(**begun, classification=record.classification, classified_at=record.classified_at)


def _exposure(record: records.Exposure, ids: Ids) -> Iterator[Fact]:
    person_id, other_id = ids.people
    yield ExposureNamed(
        **head(record, ids, "exposed", f"{person_id}.{other_id}"),
        person_id=person_id,
        other_id=other_id,
        other_division_code=record.other_division_code,
        way=record.way,
        first_at=record.first_at,
        last_at=record.last_at,
    )


def _place_exposure(record: records.PlaceExposure, ids: Ids) -> Iterator[Fact]:
    person_id = ids.people[0]
    yield PlaceExposureNamed(
        **head(record, ids, "was-at", f"{person_id}.{short(record.place_id)}"),
        person_id=person_id,
        place_id=record.place_id,
        first_at=record.first_at,
        last_at=record.last_at,
    )


def _quarantine_order(record: records.QuarantineOrder, ids: Ids) -> Iterator[Fact]:
    yield QuarantineOrdered(
        **of_person(record, ids, "ordered"),
        order_id=record.order_id,
        office=record.office,
        decider=record.decider,
        legal_basis=record.legal_basis,
        document=record.document,
        reason=record.reason,
        served_at=record.served_at,
        measures=tuple(Measure(**dict(measure)) for measure in record.measures),
    )


def _quarantine_end(record: records.QuarantineEnd, ids: Ids) -> Iterator[Fact]:
    begun = of_person(record, ids, "ended")
    yield QuarantineEnded(**begun, order_id=record.order_id, decider=record.decider, ended_at=record.ended_at)


def _placement(record: records.Placement, ids: Ids) -> Iterator[Fact]:
    yield PlacementStarted(
        **of_person(record, ids, "placed"),
        placement_id=record.placement_id,
        mode=record.mode,
        site_id=record.site_id,
        started_at=record.started_at,
    )


def _placement_end(record: records.PlacementEnd, ids: Ids) -> Iterator[Fact]:
    begun = of_person(record, ids, "left")
    yield PlacementEnded(**begun, placement_id=record.placement_id, ended_at=record.ended_at)


def _visit(record: records.Visit, ids: Ids) -> Iterator[Fact]:
    yield PersonVisited(
        **of_person(record, ids, "visited"),
        visited_at=record.visited_at,
        temperature_celsius=record.temperature_celsius,
        symptoms=record.symptoms,
    )


def _policy_adoption(record: records.PolicyAdoption, ids: Ids) -> Iterator[Fact]:
    yield PolicyAdopted(
        **head(record, ids, "adopted", record.division_code),
        jurisdiction_code=record.division_code,
        rule=record.rule,
        adopted_from=record.adopted_from,
        decided_by=record.decided_by,
        document=record.document,
        hours=record.hours,
    )


def _same_person(record: records.SamePerson, ids: Ids) -> Iterator[Fact]:
    kept, other = ids.people
    yield PersonsMerged(
        **head(record, ids, "merged", f"{kept}.{other}"),
        person_id=kept,
        other_id=other,
        decided_at=record.decided_at,
        decided_by=record.decided_by,
    )


def _stage_time(record: records.StageTime, ids: Ids) -> Iterator[Fact]:
    yield TimeAdvanced(**head(record, ids, "told"), to_at=record.to_at, running=record.running)


def _nothing(record: Record, ids: Ids) -> Iterator[Fact]:
    """Roster and duty are intake's own: no service needs them to place a figure or to run a clock."""
    return iter(())


_SAYERS: dict[type[Common], Callable[[Any, Ids], Iterator[Fact]]] = {
    records.HouseholdVisit: _household_visit,
    records.Tube: _tube,
    records.TubeResult: _tube_result,
    records.SingleTest: _test,
    records.Vaccination: _vaccination,
    records.CaseFinding: _case_finding,
    records.CaseReport: _case_report,
    records.CaseClassification: _case_classification,
    records.Exposure: _exposure,
    records.PlaceExposure: _place_exposure,
    records.QuarantineOrder: _quarantine_order,
    records.QuarantineEnd: _quarantine_end,
    records.Placement: _placement,
    records.PlacementEnd: _placement_end,
    records.Visit: _visit,
    records.PersonDetails: lambda record, ids: iter(()),
    records.PolicyAdoption: _policy_adoption,
    records.SamePerson: _same_person,
    records.StageTime: _stage_time,
    **dict.fromkeys(get_args(duties.DutyRecord), _nothing),
    **lead_facts.SAYERS,
}
