"""The undisturbed run: one replica each, nothing hurt, each record sent once, as fast as it goes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import asyncpg

from tests.faults.chaos.outcome import Outcome, outcome_of
from tests.faults.chaos.playing import Player
from tests.faults.chaos.sender import Sender
from tests.faults.chaos.stage import undisturbed_stage


async def play_undisturbed(sample: Path, logs: Path) -> Outcome:
    """What the sample leaves when nothing happens."""
    async with undisturbed_stage(logs) as (troop, client, database):
        sender = Sender(client, troop.of("intake"), Random(0), twice=0.0)
        player = Player(client, troop, sender, lambda step, sent: None)
        await player.play(sample)
        db = await asyncpg.connect(database)
        try:
            return await outcome_of(player, client, db, sample)
        finally:
            await db.close()
