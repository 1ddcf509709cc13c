"""Cases, contacts and care: each person's present state, as tracing derives it (Notices 001-003)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.cases import Classification, FoundHow
from contracts.events.contacts import Category, ContactIdentified, PlaceExposureNamed, Standing
from contracts.events.quarantine import Care, EpisodeChanged, QuarantineProposed, ReleaseDue, SamplingDue
from contracts.indicators.indicator import Indicator, person, statement

_CASES = {
    Classification.PRELIMINARY_POSITIVE: ("cases-preliminary", "Preliminary positives", "初筛阳性"),
    Classification.SUSPECTED: ("cases-suspected", "Suspected cases", "疑似病例"),
    Classification.CONFIRMED: ("cases-confirmed", "Confirmed cases", "确诊病例"),
    Classification.ASYMPTOMATIC: ("cases-asymptomatic", "Asymptomatic infections", "无症状感染者"),
}
_FOUND: dict[FoundHow | None, tuple[str, str]] = {
    FoundHow.CANVASSING: ("by canvassing", "排摸发现"),
    FoundHow.MASS_TESTING: ("by mass testing", "核酸筛查发现"),
    FoundHow.FEVER_CLINIC: ("by a fever clinic", "发热门诊发现"),
    FoundHow.UNDER_CONTROL: ("under control already", "管控中发现"),
    FoundHow.LINE_LIST: ("from a line list", "登记名单"),
    None: ("way not known", "途径不详"),
}
_CONTACTS = {
    Category.CLOSE: ("close-contacts", "Close contacts", "密切接触者"),
    Category.SECONDARY: ("secondary-contacts", "Secondary contacts", "次密接"),
    Category.CASUAL: ("casual-contacts", "Casual contacts", "一般接触者"),
}
_CARE: dict[str, tuple[str, str, tuple[Care, ...], str]] = {
    "awaiting-order": ("Awaiting an order", "待决定", (Care.AWAITING_ORDER,), "somebody with the post has to decide"),
    "awaiting-transfer": ("Awaiting transfer", "待转运", (Care.AWAITING_TRANSFER,), "a state with a clock"),
    "in-quarantine": (
        "In quarantine",
        "隔离医学观察",
        (Care.CENTRAL_QUARANTINE, Care.HOME_QUARANTINE),
        "the exposed, in a site or at home; the ill are isolated",
    ),
    "in-central-quarantine": ("In central quarantine", "集中隔离", (Care.CENTRAL_QUARANTINE,), "beds needed"),
    "in-home-quarantine": ("In home quarantine", "居家隔离", (Care.HOME_QUARANTINE,), "homes to look after"),
    "in-health-monitoring": (
        "In home health monitoring",
        "居家健康监测",
        (Care.HOME_HEALTH_MONITORING,),
        "homes to look after",
    ),
    "isolated": ("Isolated", "隔离治疗", (Care.ISOLATED,), "the ill, in hospital"),
    "released": ("Released", "解除", (Care.RELEASED,), "an end reached is an end"),
}
_SHARES = {"in-central-quarantine": "in-quarantine", "in-home-quarantine": "in-quarantine"}


def _classified_at(event: Event[Any]) -> datetime:
    return event.data.classified_at or event.time


def _care_since(event: Event[Any]) -> datetime:
    return event.data.care_since_at or event.time


def _case(kind: Classification) -> Indicator:
    code, name_en, name_zh = _CASES[kind]
    return Indicator(
        code,
        name_en,
        name_zh,
        EpisodeChanged,
        subjects=person,
        at=_classified_at,
        counts=lambda fact: fact.classification is kind,
        why="persons by their present classification, none in two of them",
        source="domain §0.5; Notices 001-003",
    )


def _confirmed(how: FoundHow | None) -> Indicator:
    name_en, name_zh = _FOUND[how]
    return Indicator(
        f"cases-confirmed.{how.value if how else 'unknown'}",
        f"Confirmed, found {name_en}",
        f"确诊病例·{name_zh}",
        EpisodeChanged,
        subjects=person,
        at=_classified_at,
        part_of="cases-confirmed",
        counts=lambda fact: fact.classification is Classification.CONFIRMED and fact.found_how is how,
        why="cases found outside control are the ones that spread",
        source="domain §7, way of finding",
    )


def _contact(category: Category) -> Indicator:
    code, name_en, name_zh = _CONTACTS[category]
    return Indicator(
        code,
        name_en,
        name_zh,
        ContactIdentified,
        subjects=person,
        at=lambda event: event.data.found_at,
        counts=lambda fact: fact.category is category,
        why="contacts, not cases, are the load",
        source="Notice 003 §2; domain §9",
    )


def _care(code: str) -> Indicator:
    name_en, name_zh, states, why = _CARE[code]
    return Indicator(
        code,
        name_en,
        name_zh,
        EpisodeChanged,
        subjects=person,
        at=_care_since,
        counts=lambda fact: fact.care in states,
        part_of=_SHARES.get(code),
        why=why,
        source="domain §3, §7",
    )


def _person_at_place(event: Event[Any]) -> Iterable[tuple[str, str]]:
    return ((f"{event.data.person_id}/{event.data.place_id}", event.division),)


PERSONS = (
    *map(_case, _CASES),
    *map(_confirmed, _FOUND),
    *map(_contact, _CONTACTS),
    Indicator(
        "contacts-provisional",
        "Contacts on provisional values",
        "按暂行口径判定的接触者",
        ContactIdentified,
        subjects=person,
        at=lambda event: event.data.found_at,
        counts=lambda fact: fact.standing is Standing.PROVISIONAL,
        why="their plan or lookback is of certainty C and nobody adopted it here",
        source="design: promise 6",
    ),
    Indicator(
        "at-named-places",
        "Visits of persons to named places",
        "到访涉疫场所人次",
        PlaceExposureNamed,
        subjects=_person_at_place,
        at=lambda event: event.data.last_at,
        why="where many cases were is seen before anybody has linked them; once a person and place",
        source="Notice 003 §2: key places; the line list of Tianjin",
    ),
    Indicator(
        "proposals-open",
        "Proposals open",
        "待批隔离建议",
        QuarantineProposed,
        subjects=person,
        at=lambda event: event.data.found_at or event.time,
        why="a proposal binds nobody: these wait for a decision",
        source="design: people order, rules propose",
    ),
    *map(_care, _CARE),
    Indicator(
        "samplings-due",
        "Samplings due",
        "待单采人数",
        SamplingDue,
        subjects=person,
        at=lambda event: event.data.since_at,
        why="members of a positive tube who owe a sample of their own",
        source="Notice 003 §2",
    ),
    Indicator(
        "releases-due",
        "Releases due",
        "待解除人数",
        ReleaseDue,
        subjects=statement,
        at=lambda event: event.data.due_at,
        why="every condition is met; somebody with the post has to say so",
        source="domain §3",
    ),
)
