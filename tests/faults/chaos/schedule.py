"""Which mishaps befall a run, in which order: drawn from the seed, spread over the records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from random import Random

from tests.faults.chaos import mishaps
from tests.faults.chaos.hunting import kill_at_work, kill_in
from tests.faults.chaos.scene import Scene
from tests.faults.chaos.stranger import mislead
from tests.faults.chaos.windows import WINDOWS

CONSUMERS = ("tracing", "alerts", "rollup")
RELAYS = ("intake", "tracing", "alerts")
ALL = ("intake", *CONSUMERS)

SLOW = ("pause", "third", "lose", "mislead")

Mishap = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Measure:
    """How often each thing happens. kills: in each window; at_work: of a replica found with a transaction open."""

    kills: int = 5
    at_work: int = 5
    probe_kills: int = 2
    pauses: int = 5
    terminations: int = 5
    broker_restarts: int = 2
    database_restarts: int = 2
    thirds: int = 3
    losses: int = 2
    resets: int = 2
    misled: int = 2


SHORT = Measure(1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1)
NOTHING = Measure(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Planned:
    """A mishap, and its name where it could not be done. slow: it lasts, and others go on beside it."""

    name: str
    do: Mishap

    @property
    def slow(self) -> bool:
        return self.name.startswith(SLOW)


def draw(measure: Measure, chance: Random) -> list[Planned]:
    """The mishaps of a run, shuffled."""
    planned = [Planned(f"kill in {window}", partial(kill_in, window=window)) for window in WINDOWS] * measure.kills
    planned += [
        _to_replica("kill at work", kill_at_work, service) for service in _some(CONSUMERS, measure.at_work, chance)
    ]
    planned += [_to_replica("kill a probe", kill_at_work, "probe")] * measure.probe_kills
    planned += [_to_replica("pause", mishaps.pause, service) for service in _some(CONSUMERS, measure.pauses, chance)]
    planned += _to_service("end a relay", mishaps.terminate_relay, _some(RELAYS, measure.terminations, chance))
    planned += _to_service("third replica", mishaps.join_and_leave, _some(CONSUMERS, measure.thirds, chance))
    planned += _to_service("lose the network", mishaps.lose_network, _some(ALL, measure.losses, chance))
    planned += _to_service("reset the network", mishaps.reset_network, _some(ALL, measure.resets, chance))
    planned += _to_service("mislead", mislead, ["rollup"] * measure.misled)
    for name, restart, times in (
        ("broker", mishaps.restart_broker, measure.broker_restarts),
        ("database", mishaps.restart_database, measure.database_restarts),
    ):
        planned += [Planned(f"restart the {name}", partial(restart, killed=turn % 2 == 0)) for turn in range(times)]
    chance.shuffle(planned)
    return planned


def _some(services: tuple[str, ...], times: int, chance: Random) -> list[str]:
    """Each service as often as the others, from a random one on."""
    return list(islice(cycle(chance.sample(services, len(services))), times))


def _to_service(name: str, do: Callable[..., Awaitable[None]], services: list[str]) -> list[Planned]:
    return [Planned(f"{name} of {service}", partial(do, service=service)) for service in services]


def _to_replica(name: str, do: Callable[..., Awaitable[None]], service: str) -> Planned:
    async def to_one(scene: Scene) -> None:
        await do(scene, scene.chance.choice([each for each in scene.troop.of(service) if each.answers]))

    return Planned(f"{name} of {service}", to_one)
