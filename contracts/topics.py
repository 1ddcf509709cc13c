"""Each topic once: what lies in it, who says it, who hears it, how it is cut, and why. A closed set, proved by a test.

A topic has one producing service and a partition count that never changes: wider means a new topic. A lane is one
partition. Numbered topics are kept for ever (`retention.ms=-1`) and never compacted, so a service can be rebuilt.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from contracts.envelope import Fact
from contracts.events.canvassing import ArrivalRegistered, CaseScreened, HouseholdCanvassed
from contracts.events.cases import CaseClassified, CaseFound, CaseReported
from contracts.events.contacts import ContactIdentified, ExposureNamed, PlaceExposureNamed
from contracts.events.deadlines import DeadlineJudged, MessageSent, VisitMissed
from contracts.events.leads import LeadClosed, LeadLanded, LeadNotFound, LeadPassedOn, LeadReceived
from contracts.events.needs import NeedAsked, NeedMet
from contracts.events.people import PersonsMerged
from contracts.events.policies import PolicyAdopted, TimeAdvanced
from contracts.events.quarantine import (
    CareScheduled,
    EpisodeChanged,
    PersonVisited,
    PlacementEnded,
    PlacementStarted,
    QuarantineEnded,
    QuarantineOrdered,
    QuarantineProposed,
    ReleaseDue,
    SamplingDue,
)
from contracts.events.testing import TestResulted, TubeResulted, TubeSampled
from contracts.events.vaccinations import PersonVaccinated

SERVICES = ("intake", "tracing", "alerts", "rollup")


@dataclass(frozen=True)
class Topic:
    """key: kebab-case plural of the facts ordered by one key. partitions: the number of lanes, fixed for ever."""

    key: str
    events: tuple[type[Fact], ...]
    producer: str
    consumers: tuple[str, ...]
    partitions: int
    why: str
    retention_ms: int = -1

    def partition_of(self, subject: str) -> int:
        """The lane of a subject; worked out once, when the row is written."""
        return self.partition_of_key(subject.encode())

    def partition_of_key(self, key: bytes) -> int:
        """The same of the subject's bytes, as Kafka holds them."""
        return zlib.crc32(key) % self.partitions


TOPICS: tuple[Topic, ...] = (
    Topic("canvassings", (HouseholdCanvassed,), "intake", ("rollup",), 6, "coverage: not one household missed"),
    Topic("screenings", (CaseScreened,), "intake", ("rollup",), 6, "every person examined at the door"),
    Topic("arrivals", (ArrivalRegistered,), "intake", ("rollup",), 3, "people from source areas"),
    Topic("tubes", (TubeSampled, TubeResulted), "intake", ("tracing", "rollup"), 3, "pooled tests, ordered by tube"),
    Topic("tests", (TestResulted,), "intake", ("tracing", "rollup"), 3, "single tests, ordered by person"),
    Topic(
        "cases",
        (CaseFound, CaseReported, CaseClassified),
        "intake",
        ("tracing", "alerts", "rollup"),
        3,
        "cases found, reported and classified; the report clock",
    ),
    Topic("exposures", (ExposureNamed,), "intake", ("tracing",), 3, "who met whom"),
    Topic(
        "place-exposures",
        (PlaceExposureNamed,),
        "intake",
        ("rollup",),
        3,
        "who was where; no contact is derived of it yet",
    ),
    Topic("orders", (QuarantineOrdered, QuarantineEnded), "intake", ("tracing",), 3, "what post-holders decided"),
    Topic(
        "placements",
        (PlacementStarted, PlacementEnded),
        "intake",
        ("tracing", "alerts"),
        3,
        "where people are kept and cared for; the transfer clock",
    ),
    Topic("visits", (PersonVisited,), "intake", ("alerts", "rollup"), 6, "health checks by slot"),
    Topic("vaccinations", (PersonVaccinated,), "intake", ("rollup",), 3, "doses given, ordered by person"),
    Topic(
        "leads",
        (LeadReceived, LeadLanded, LeadNotFound, LeadPassedOn, LeadClosed),
        "intake",
        ("alerts", "rollup"),
        3,
        "no lead let go: who is to be found, and what became of it",
    ),
    Topic("needs", (NeedAsked, NeedMet), "intake", ("rollup",), 3, "what people in quarantine asked for, and got"),
    Topic(
        "people",
        (PersonsMerged,),
        "intake",
        ("tracing", "alerts", "rollup"),
        3,
        "two ids that mean one person, or no longer",
    ),
    Topic("policies", (PolicyAdopted,), "intake", ("tracing", "alerts"), 1, "values that a jurisdiction adopts"),
    Topic("time", (TimeAdvanced,), "intake", ("tracing", "alerts", "rollup"), 1, "the stage clock of plays and tests"),
    Topic("contacts", (ContactIdentified,), "tracing", ("alerts", "rollup"), 3, "contacts as derived"),
    Topic("proposals", (QuarantineProposed,), "tracing", ("rollup",), 3, "what the policy would do; people decide"),
    Topic(
        "dues",
        (CareScheduled, SamplingDue, ReleaseDue),
        "tracing",
        ("intake", "alerts", "rollup"),
        3,
        "slots, tests and releases that are due; the workers' lists",
    ),
    Topic("episodes", (EpisodeChanged,), "tracing", ("rollup",), 3, "each person's state, for the figures"),
    Topic("deadlines", (DeadlineJudged, VisitMissed), "alerts", ("intake", "rollup"), 3, "verdicts of the clocks"),
    Topic("messages", (MessageSent,), "alerts", ("rollup",), 3, "digests told to posts"),
)

BY_KEY = {topic.key: topic for topic in TOPICS}
OF_FACT: dict[type[Fact], Topic] = {fact: topic for topic in TOPICS for fact in topic.events}


def heard_by(service: str) -> tuple[Topic, ...]:
    """The topics that a service consumes."""
    return tuple(topic for topic in TOPICS if service in topic.consumers)


def said_by(service: str) -> tuple[Topic, ...]:
    """The topics that a service produces."""
    return tuple(topic for topic in TOPICS if topic.producer == service)
