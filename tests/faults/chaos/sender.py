"""The senders: requests at a steady rate over intake's replicas, most of them twice, every verdict kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.faults.chaos.replicas import Replica

ANSWER_WITHIN = 10.0
PATIENCE = 240.0
SHUNNED_FOR = 4.0
NDJSON, JSON = "application/x-ndjson", "application/json"
SIZES = (1, 20, 60, 100, 200)


class NotTakenError(Exception):
    """A request was not answered by any replica in time, or was refused; the text says how."""


@dataclass(slots=True)
class Account:
    """What became of one record: the verdicts that came back, the events it made, the requests left unanswered."""

    words: list[str] = field(default_factory=list)
    event_ids: list[str] = field(default_factory=list)
    unanswered: int = 0


@dataclass
class Sender:
    """Sends to intake. pace: records a second, None: as fast as it goes; twice: the share of requests sent again.

    brake: the share of the pace that is to be kept now, by the number of records sent.
    """

    client: httpx.AsyncClient
    intake: Sequence[Replica]
    chance: Random
    twice: float = 0.9
    pace: float | None = None
    accounts: list[Account] = field(default_factory=list)
    brake: Callable[[int], float] = field(default=lambda sent: 1.0)
    requests: int = 0
    retried: int = 0
    _turn: int = 0
    _next_at: float = 0.0
    _shunned: dict[str, float] = field(default_factory=dict)

    async def send(self, lines: Sequence[bytes]) -> None:
        """Send records in their order, cut into requests."""
        at = 0
        while at < len(lines):
            size = self.chance.choice(SIZES) if self.pace else 5_000
            await self._send_request(lines[at : at + size])
            at += size

    async def _send_request(self, lines: Sequence[bytes]) -> None:
        await self._keep_pace(len(lines))
        accounts = [Account() for _ in lines]
        self.accounts += accounts
        copies = 1 + (self.chance.random() < self.twice)
        if copies == 2 and self.chance.random() < 0.2:
            await asyncio.gather(*(self._until_answered(lines, accounts) for _ in range(2)))
        else:
            for _ in range(copies):
                await self._until_answered(lines, accounts)

    async def _keep_pace(self, records: int) -> None:
        if self.pace is not None:
            now = time.monotonic()
            self._next_at = max(self._next_at, now - 0.5) + records / (self.pace * self.brake(len(self.accounts)))
            await asyncio.sleep(max(0.0, self._next_at - now))

    async def _until_answered(self, lines: Sequence[bytes], accounts: Sequence[Account]) -> None:
        for account, verdict in zip(accounts, await self.post_records(lines, accounts), strict=True):
            account.words.append(verdict["verdict"])
            account.event_ids += verdict.get("event_ids", ())

    async def post_records(self, lines: Sequence[bytes], accounts: Sequence[Account] = ()) -> list[dict[str, Any]]:
        """The verdicts of one request, sent until a replica answers it; what was not answered is counted."""

        def count() -> None:
            for account in accounts:
                account.unanswered += 1

        kind = JSON if len(lines) == 1 else NDJSON
        answer = await self.post("/records", b"".join(lines), kind, count)
        return [json.loads(answer)] if kind == JSON else [json.loads(line) for line in answer.splitlines()]

    async def post(self, path: str, body: bytes, kind: str, on_unanswered: Any = lambda: None) -> str:
        """Round robin, the other replica when one does not answer. Raises NotTakenError."""
        until, said = time.monotonic() + PATIENCE, ""
        self.requests += 1
        while time.monotonic() < until:
            replica = self._next()
            try:
                answer = await self.client.post(
                    replica.url + path, content=body, headers={"content-type": kind}, timeout=ANSWER_WITHIN
                )
            except httpx.TransportError as away:
                said = f"{replica.name}: {type(away).__name__} {away}"
                self._shunned[replica.name] = time.monotonic() + SHUNNED_FOR
            else:
                broken_off = '\n{"error"' in answer.text
                if answer.status_code < 500 and answer.status_code not in (401, 403, 413, 415) and not broken_off:
                    return answer.text
                said = f"{replica.name}: {answer.status_code} {answer.text[:300]}"
            on_unanswered()
            self.retried += 1
            await asyncio.sleep(0.1)
        raise NotTakenError(f"{path} was not answered within {PATIENCE:.0f} s: {said}")

    def _next(self) -> Replica:
        self._turn += 1
        now = time.monotonic()
        ready = [each for each in self.intake if self._shunned.get(each.name, 0.0) < now]
        among = ready or self.intake
        return among[self._turn % len(among)]
