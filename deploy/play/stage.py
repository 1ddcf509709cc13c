"""Where a play goes: the running services, the tokens with which it speaks to them, and their other doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from pydantic import SecretStr

from deploy.local import free_port
from deploy.sample.forms.carrying import SOURCES, UPSTREAM_TOPIC
from services.chassis.access import make_token
from services.chassis.kafka import how_to_reach
from services.chassis.topics import admin

TIMEOUT = httpx.Timeout(120.0)


class PlayError(Exception):
    """A service refused what the play sent; the text holds its answer."""


@dataclass(frozen=True)
class Stage:
    """token: of the stage manager. key: signs the worker's. kafka: of `upstream-…`; mllp_port: of intake."""

    urls: Mapping[str, str]
    token: str
    key: SecretStr
    kafka: str = ""
    mllp_port: int = 0

    @classmethod
    def of(cls, urls: Mapping[str, str], token: str, key: str, environment: Mapping[str, str]) -> Stage:
        """Services that were started in this environment, with `settings_of_senders` in it."""
        other, mllp = environment["GRIDWARD_UPSTREAM_KAFKA"], environment["GRIDWARD_MLLP_PORT"]
        return cls(urls, token, SecretStr(key), other, int(mllp))

    def client(self) -> httpx.AsyncClient:
        """A client that shows the token."""
        return httpx.AsyncClient(headers={"authorization": f"Bearer {self.token}"}, timeout=TIMEOUT)

    def as_worker(self, post_id: str, division_code: str) -> dict[str, str]:
        """The headers of a worker's own phone."""
        token = make_token(self.key, post_id, frozenset({"worker"}), division_code, hours=24)
        return {"authorization": f"Bearer {token}"}

    async def put(self, topic: str, lines: Sequence[bytes]) -> None:
        """Onto a topic of the other cluster, in their order."""
        async with AIOKafkaProducer(**how_to_reach(self.kafka)) as producer:
            for line in lines:
                await producer.send(topic, line, partition=0)
            await producer.flush()


def settings_of_senders(kafka: str) -> dict[str, str]:
    """What intake must be told so that every sender of a sample is heard. kafka: the other cluster."""
    return {
        "GRIDWARD_SOURCES": str(SOURCES),
        "GRIDWARD_MLLP_PORT": str(free_port()),
        "GRIDWARD_UPSTREAM_KAFKA": kafka,
    }


async def make_upstream_topic(kafka: str) -> None:
    """The platform's own, before intake looks for it."""
    async with admin(kafka) as client:
        await client.create_topics([NewTopic(UPSTREAM_TOPIC, 1, 1)])
