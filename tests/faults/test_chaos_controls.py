"""Controls: the harness can fail. Each thing that the protocol rests on is taken away, and loss shows at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.faults.chaos import scenarios
from tests.faults.chaos.miniature import Damage, Miniature, miniature
from tests.servers import chosen_broker, left_out

pytestmark = pytest.mark.skipif(chosen_broker() == "embedded", reason=left_out() or "needs a broker that can be hurt")

Scenario = Callable[[Miniature], Awaitable[Damage]]
ON_THE_WAY: tuple[tuple[Scenario, tuple[str, ...], str], ...] = (
    (scenarios.killed_after_sending, ("fence_off",), "doubled"),
    (scenarios.killed_after_committing, ("past_the_outbox", "fence_off"), "lost"),
    (scenarios.committed_late, ("insertion_numbers",), "stopped"),
    (scenarios.second_relay_waits, ("two_relays", "stale_plan"), "stopped"),
    (scenarios.first_half_refused, ("pipelined",), "stopped"),
)
NO_WEAKNESS = ("two_relays",)  # safety does not rest on the lock that keeps a second relay away


def _producers(scenario: Scenario) -> int:
    return 2 if scenario is scenarios.second_relay_waits else 1


def _name(value: object) -> str:
    return getattr(value, "__name__", "-".join(value) if isinstance(value, tuple) else str(value))


@pytest.mark.parametrize(("scenario", "weaknesses", "kind"), ON_THE_WAY, ids=_name)
async def test_a_weakened_path_loses_doubles_or_stops(
    scenario: Scenario, weaknesses: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    async with miniature(tmp_path, weaknesses, producers=_producers(scenario)) as mini:
        damage = await scenario(mini)
    assert damage.total > 0
    assert getattr(damage, kind) > 0, damage


@pytest.mark.parametrize("scenario", [each[0] for each in ON_THE_WAY], ids=_name)
async def test_the_same_faults_do_nothing_to_the_path_as_it_is(scenario: Scenario, tmp_path: Path) -> None:
    async with miniature(tmp_path, NO_WEAKNESS, producers=_producers(scenario)) as mini:
        assert await scenario(mini) == Damage()


async def test_derivation_inside_the_facts_transaction_loses_a_contact(tmp_path: Path) -> None:
    async with miniature(tmp_path, ("derive_inside",), "tracing", consumers=2) as mini:
        assert await scenarios.side_by_side(mini) == Damage(lost=1)


async def test_derivation_in_a_later_transaction_loses_none(tmp_path: Path) -> None:
    async with miniature(tmp_path, (), "tracing", consumers=2) as mini:
        assert await scenarios.side_by_side(mini) == Damage()
