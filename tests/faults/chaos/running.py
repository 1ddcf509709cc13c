"""One run of chaos: the sample, undisturbed beside it, the troop, the mishaps, the judgement."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from contracts.topics import SERVICES
from deploy.sample.generate import generate
from deploy.sample.timeline import Step
from tests.faults.chaos.calm import until_quiet
from tests.faults.chaos.chronicle import Chronicle
from tests.faults.chaos.counters import Counters
from tests.faults.chaos.hunting import AWAY, Escaped
from tests.faults.chaos.judging import Judgement, judge, judge_accounts, not_reached
from tests.faults.chaos.log import Applied, Log, count, read_log, read_probe
from tests.faults.chaos.outcome import Outcome, outcome_of
from tests.faults.chaos.playing import Boundary, Player
from tests.faults.chaos.replicas import Replica
from tests.faults.chaos.scene import Scene
from tests.faults.chaos.schedule import Measure, Planned, draw
from tests.faults.chaos.sender import Sender
from tests.faults.chaos.servers import servers_behind_proxies
from tests.faults.chaos.stage import client_of, replica_of, settings, troop_on
from tests.faults.chaos.undisturbed import play_undisturbed

RECORDS_AT_FULL_SCALE = 1_120_000
TRIES = 3  # of one mishap
SLACK = 0.05  # share of the records by which the mishaps may lag before the sender slows down
SPREAD = 0.9  # of the records: the mishaps fall among them, the rest shows that all is well again


@dataclass(frozen=True)
class Chaos:
    """What a run is asked for. records: about as many; pace: records a second at most."""

    records: int
    seed: int
    pace: float
    measure: Measure
    tell: Callable[[str], None] = field(default=lambda line: None)


@dataclass(frozen=True)
class Ended:
    """A run that came to its end."""

    player: Player
    chronicle: Chronicle
    judgement: Judgement


async def run_chaos(asked: Chaos, folder: Path) -> Ended:
    """The whole run in an empty folder. Raises NotQuietError when lanes stopped for good, NotTakenError."""
    sample, beside_logs, logs = folder / "sample", folder / "undisturbed", folder / "logs"
    for each in (beside_logs, logs):
        each.mkdir()
    scale = asked.records / RECORDS_AT_FULL_SCALE
    truth = await asyncio.to_thread(generate, sample, scale, asked.seed, in_forms=False)
    asked.tell(f"{truth['records']:,} records; the undisturbed run plays beside this one")
    beside = asyncio.create_task(play_undisturbed(sample, beside_logs))
    try:
        disturbed = await _play_disturbed(asked, sample, logs, truth["records"])
        return _judged(asked, disturbed, await beside)
    finally:
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)


@dataclass(frozen=True)
class _Disturbed:
    scene: Scene
    player: Player
    outcome: Outcome
    log: Log
    applied: list[Applied]


def _judged(asked: Chaos, disturbed: _Disturbed, undisturbed: Outcome) -> Ended:
    scene = disturbed.scene
    counters = scene.counters.sums()
    short = not_reached(scene.chronicle, counters, asked.measure)
    verdicts = judge_accounts(disturbed.outcome.accounts, undisturbed.accounts, disturbed.log.ids)
    counted = count(disturbed.log, disturbed.applied)
    judgement = judge(counted, verdicts, counters, (undisturbed, disturbed.outcome), short)
    return Ended(disturbed.player, scene.chronicle, judgement)


async def _play_disturbed(asked: Chaos, sample: Path, logs: Path, records: int) -> _Disturbed:
    async with _scene(asked, logs) as scene:
        player = _player(asked, scene)
        await _over_all_mishaps(asked, scene, player, sample, records)
        await scene.troop.until_ready(scene.client)
        player.books = await until_quiet(scene.client, scene.troop)
        await asyncio.gather(*(scene.counters.read(replica) for replica in scene.troop.replicas))
        async with scene.servers.database() as db:
            outcome = await outcome_of(player, scene.client, db, sample)
            return _Disturbed(scene, player, outcome, await read_log(scene.servers.kafka.kafka), await read_probe(db))


@asynccontextmanager
async def _scene(asked: Chaos, logs: Path) -> AsyncIterator[Scene]:
    """All processes, ready; ended after the block."""
    key = secrets.token_hex(32)
    async with servers_behind_proxies((*SERVICES, "probe")) as servers, client_of(key) as client:
        troop = troop_on(servers, key, logs)

        def another(service: str) -> Replica:
            kafka = f"127.0.0.1:{servers.proxies[service].port}"
            return replica_of(service, "c", settings(kafka, servers.postgres.dsn, key), logs)

        chronicle, counters = Chronicle(asked.tell), Counters(client, troop)
        scene = Scene(servers, troop, client, chronicle, counters, Boundary(), Random(f"{asked.seed}:chaos"), another)
        beside = [asyncio.create_task(each) for each in (counters.keep_reading(), _keep_alive(scene))]
        try:
            await troop.start(client)
            asked.tell(f"{len(troop.replicas)} processes are ready")
            yield scene
        finally:
            for task in beside:
                task.cancel()
            shutil.copy(servers.kafka.child.log_path, logs / "kafka.log")
            await troop.stop()


async def _keep_alive(scene: Scene) -> None:
    """Start again what ended by itself, as whoever runs the services would; that it did is wrong."""
    while True:
        for replica in scene.troop.replicas:
            if replica.died:
                scene.chronicle.fail(f"{replica.name} ended by itself", replica.last_words())
                replica.start()
        await asyncio.sleep(0.2)


def _player(asked: Chaos, scene: Scene) -> Player:
    def on_step(step: Step, sent: int) -> None:
        if sent:
            asked.tell(f"{scene.chronicle.now():6.1f} s  {step.at:%d %b %H:%M}  {sent:,} records sent")

    sender = Sender(scene.client, scene.troop.of("intake"), Random(f"{asked.seed}:sender"), pace=asked.pace)
    return Player(scene.client, scene.troop, sender, on_step, scene.boundary)


async def _over_all_mishaps(asked: Chaos, scene: Scene, player: Player, sample: Path, records: int) -> None:
    """Play while one mishap follows the other, the sender going slower while they lag behind."""
    planned = draw(asked.measure, Random(f"{asked.seed}:mishaps"))
    playing = asyncio.create_task(player.play(sample))
    befalling = asyncio.create_task(_befall(scene, planned, player, records))
    try:
        await playing
        await befalling
    finally:
        for task in (playing, befalling):
            task.cancel()
        await asyncio.gather(playing, befalling, return_exceptions=True)


async def _befall(scene: Scene, planned: Sequence[Planned], player: Player, records: int) -> None:
    """Two hands: what takes its time goes on while processes and servers die."""
    hands = [[each for each in planned if each.slow == slow] for slow in (False, True)]
    done = [0 for _ in hands]

    def brake(sent: int) -> float:
        least = min((count / len(hand) for count, hand in zip(done, hands, strict=True) if hand), default=1.0)
        lag = sent / records - least
        return 1.0 if lag < SLACK else 0.3 if lag < 3 * SLACK else 0.1

    async def work(hand: int) -> None:
        for at, mishap in enumerate(hands[hand]):
            due = int(SPREAD * records * at / len(hands[hand]))
            while len(player.sender.accounts) < due and not scene.boundary.over:  # noqa: ASYNC110 - the sender counts
                await asyncio.sleep(0.05)
            await _do(scene, mishap)
            done[hand] += 1

    player.sender.brake = brake
    await asyncio.gather(*(work(hand) for hand in range(len(hands))))


async def _do(scene: Scene, mishap: Planned) -> None:
    """Again when another mishap came between, once that is over and as long as records flow."""
    for tries_left in reversed(range(TRIES)):
        try:
            if tries_left < TRIES - 1:
                await scene.troop.until_ready(scene.client)
            await mishap.do(scene)
        except (*AWAY, Escaped) as error:
            if tries_left and not scene.boundary.over:
                continue
            scene.chronicle.fail(mishap.name, error)
        return
