"""The services' own counters, summed over the lives of their processes: a killed one takes its last count with it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict

import httpx

from tests.faults.chaos.replicas import Replica, Troop

_LINE = re.compile(r"^(gridward_(?:repeats_dropped|batches_refused|old_epochs_dropped|dead_letters|relay_unanswered"
                   r"|batch_failures)_total)\{([^}]*)\} (\S+)$", re.MULTILINE)  # fmt: skip
EVERY_SECONDS = 1.0


class Counters:
    """Read every second and before each kill. What a process counted after its last reading is not in the sums."""

    def __init__(self, client: httpx.AsyncClient, troop: Troop) -> None:
        self._client, self._troop = client, troop
        self._last: dict[tuple[str, int, str, str], float] = {}

    async def read(self, replica: Replica) -> None:
        """Take its counts, if it answers."""
        if not replica.answers:
            return
        life = replica.lives
        try:
            answer = await self._client.get(f"{replica.url}/metrics", timeout=2)
        except httpx.TransportError:
            return
        for name, labels, value in _LINE.findall(answer.text):
            self._last[replica.name, life, name, labels] = float(value)

    async def keep_reading(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.gather(*(self.read(replica) for replica in self._troop.replicas))
            await asyncio.sleep(EVERY_SECONDS)

    def sums(self) -> dict[str, int]:
        """By the short name of the counter."""
        sums: dict[str, float] = defaultdict(float)
        for (_, _, name, _), value in self._last.items():
            sums[name.removeprefix("gridward_").removesuffix("_total")] += value
        return {name: int(value) for name, value in sums.items()}
