"""The path, whole: from a positive tube at the door to the province's figure and the leader's message (Notice 003)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import asyncpg
import pytest

from contracts.envelope import Fact
from contracts.events.cases import CaseClassified, CaseFound, CaseReported
from contracts.events.leads import LeadPassedOn
from contracts.events.people import PersonsMerged
from contracts.events.quarantine import CareScheduled, PlacementEnded, ReleaseDue, SamplingDue
from deploy.play.compare import Observed, differences, named_ids, observe, read_truth
from deploy.play.player import Played, play
from deploy.sample.timeline import read_timeline
from tests.journeys.replay import Recorded, replayed
from tests.journeys.town import all_handlers, town
from tests.servers import Background, in_database

WITHOUT_EFFECT: frozenset[tuple[str, type[Fact]]] = frozenset(
    {
        ("tracing", CaseReported),
        ("alerts", CaseClassified),
        ("alerts", SamplingDue),
        ("alerts", ReleaseDue),
        ("rollup", CaseFound),
        ("rollup", CaseReported),
        ("rollup", CaseClassified),
        ("rollup", CareScheduled),
        ("rollup", LeadPassedOn),
        ("rollup", PersonsMerged),
    }
)
"""Facts that share a topic with others and are passed over: no handler to miss."""

ELSEWHERE: frozenset[tuple[str, type[Fact]]] = frozenset({("alerts", PlacementEnded)})
"""In the sample nobody is a contact again after quarantine: stores/test_alerts_clocks has whoever is."""

HANDLERS = [
    (service, fact)
    for service, fact in all_handlers()
    if (service, fact) not in WITHOUT_EFFECT | ELSEWHERE and service != "intake"
]
"""What intake hears makes the workers' lists and no figure: each fact has its test in stores/test_intake_worklist."""


async def _journey(database: str, sample: Path, chance: Random | None) -> Recorded:
    truth = read_truth(sample)
    async with town(database, chance=chance) as stage:
        played = await play(stage, sample, lambda step, sent: None)
        observed = await observe(stage, played, truth)
        async with stage.client() as client:
            ids = await named_ids(client, stage.urls["intake"], truth["end_states"])
        return Recorded(stage.courier.log, ids, truth, differences(truth, observed), read_timeline(sample)[-1].at)


@pytest.fixture(scope="session")
def journey(background: Background, postgres: str, sample: Path) -> Recorded:
    """One journey for all tests of this file."""

    async def made() -> Recorded:
        connection = await asyncpg.connect(postgres)
        await connection.execute("create database journey")
        await connection.close()
        return await _journey(in_database(postgres, "journey"), sample, None)

    return background.run(made())


def test_the_path_ends_in_the_truth(journey: Recorded) -> None:
    assert journey.wrong == []


def test_the_truth_has_something_of_everything(journey: Recorded) -> None:
    province = journey.truth["figures"]["33"]
    expected_zero = {
        "cases-confirmed.line_list", "cases-confirmed.unknown", "cases-preliminary", "cases-suspected",
        "contacts-provisional", "in-home-quarantine", "deadlines-undecided",
        *(f"deadlines-{verdict}.provisional" for verdict in ("kept", "late", "missed", "undecided", "unlimited")),
    }  # fmt: skip
    assert {code for code, n in province.items() if not n} == expected_zero


async def test_the_same_path_with_everything_twice_and_in_any_order_ends_in_the_truth(
    database: str, sample: Path
) -> None:
    assert (await _journey(database, sample, Random(5))).wrong == []


def _wrong(journey: Recorded, again: dict[str, dict[str, dict[str, object]]]) -> list[str]:
    numbers = {person_id: number for number, person_id in journey.person_ids.items()}
    states = {numbers.get(person_id, person_id): state for person_id, state in again["states"].items()}
    observed = Observed(
        figures=again["figures"], names={}, states=states, strangers=0, ledger=journey.truth["ledger"], owed=[],  # type: ignore[arg-type]
        dead_letters={}, drift=0, today=journey.truth["worker"]["today"], lanes=0, applied=0, played=Played(),
    )  # fmt: skip
    return differences(journey.truth, observed)


async def test_a_replay_of_the_log_from_nothing_ends_in_the_truth(database: str, journey: Recorded) -> None:
    assert _wrong(journey, await replayed(database, journey, None)) == []


@pytest.mark.parametrize(("service", "fact"), HANDLERS, ids=lambda value: getattr(value, "type", value))
async def test_without_one_handler_the_truth_is_missed(
    database: str, journey: Recorded, service: str, fact: type[Fact]
) -> None:
    assert _wrong(journey, await replayed(database, journey, (service, fact))) != []


def test_what_is_heard_without_effect_is_known_by_name() -> None:
    assert set(all_handlers()) >= WITHOUT_EFFECT | ELSEWHERE
