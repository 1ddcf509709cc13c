"""One person's whole derivation: surroundings in, everything to be stated out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from contracts.envelope import Fact
from contracts.events.contacts import ContactIdentified
from contracts.events.quarantine import Care, CareScheduled, EpisodeChanged, QuarantineProposed, ReleaseDue, SamplingDue
from services.tracing.rules.care import care_of, schedules_of
from services.tracing.rules.cases import case_part, classification_of, found_how
from services.tracing.rules.contacts import Contact, contact_of, seen_by_others
from services.tracing.rules.dues import release_of, samplings_of
from services.tracing.rules.orders import settled
from services.tracing.rules.plans import proposal_of
from services.tracing.rules.statements import statement_id
from services.tracing.rules.surroundings import NOBODY, Neighbour, Surroundings


@dataclass(frozen=True, slots=True)
class Derived:
    """part: what the derivation of others may read of this person. episode None: nothing to say of the person."""

    person_id: str
    contact: ContactIdentified | None
    proposal: QuarantineProposed | None
    schedules: tuple[CareScheduled, ...]
    samplings: tuple[SamplingDue, ...]
    release: ReleaseDue | None
    episode: EpisodeChanged | None
    part: Neighbour

    def statements(self) -> Iterator[Fact]:
        """Every fact to be stated, each under a statement_id of its own."""
        yield from (fact for fact in (self.contact, self.proposal, self.release, self.episode) if fact is not None)
        yield from self.schedules
        yield from self.samplings


def derive(around: Surroundings) -> Derived:
    """Pure: the same surroundings give the same statements, whatever came first."""
    around = settled(around)
    contact, case = contact_of(around), case_part(around)
    proposal = proposal_of(around, contact, is_case=case is not None)
    return Derived(
        person_id=around.person_id,
        contact=contact.fact if contact else None,
        proposal=proposal,
        schedules=tuple(schedules_of(around, contact)),
        samplings=tuple(samplings_of(around)),
        release=release_of(around, contact),
        episode=_episode(around, contact, proposal),
        part=seen_by_others(around, case, contact),
    )


def derive_together(surroundings: Mapping[str, Surroundings]) -> dict[str, Derived]:
    """Derives several persons, by id, so that each has read of the others what came out for them.

    Ends after three rounds: a case follows from own facts, a close contact from cases, a secondary one from close ones.
    """
    around = dict(surroundings)
    derived: dict[str, Derived] = {}
    again = around
    while again:
        derived |= {person_id: derive(one) for person_id, one in again.items()}
        again = {person_id: renewed for person_id, one in around.items() if (renewed := _renewed(one, derived))}
        around |= again
    return derived


def _renewed(around: Surroundings, derived: Mapping[str, Derived]) -> Surroundings | None:
    """The surroundings with what came out for neighbours; None where all is as it was read."""
    read = {met.other_id: around.neighbours.get(met.other_id, NOBODY) for met in around.exposures}
    came_out = {other: derived[other].part if other in derived else part for other, part in read.items()}
    return replace(around, neighbours=came_out) if came_out != read else None


def _episode(
    around: Surroundings, contact: Contact | None, proposal: QuarantineProposed | None
) -> EpisodeChanged | None:
    latest = classification_of(around)
    care, since_at = care_of(around, proposal, contact.fact.found_at if contact else None)
    if contact is None and latest is None and care is Care.NONE:
        return None
    return EpisodeChanged(
        statement_id=statement_id("episode", around.person_id),
        person_id=around.person_id,
        category=contact.fact.category if contact else None,
        classification=latest.classification if latest else None,
        found_how=found_how(around),
        classified_at=latest.classified_at if latest else None,
        care=care,
        care_since_at=since_at,
    )
