"""Why a service is not ready, in words that say what to do. Parts of a process set and clear their own reason."""

from __future__ import annotations

import asyncpg
import structlog
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from services.chassis.database import is_transient

log = structlog.get_logger()


class Health:
    """Reasons by part (`relay`, `consumer`, `lane tests/2` …); ready when there is none."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._reasons: dict[str, str] = {}

    @property
    def reasons(self) -> dict[str, str]:
        return dict(self._reasons)

    def unwell(self, part: str, reason: str) -> None:
        """Say it aloud, once as long as it is the same."""
        if self._reasons.get(part) != reason:
            log.error("not ready", service=self.service, part=part, reason=reason)
        self._reasons[part] = reason

    def well(self, part: str) -> None:
        if self._reasons.pop(part, None) is not None:
            log.info("ready again", service=self.service, part=part)

    def awaits(self, part: str, reason: str) -> None:
        """Not ready yet, as it should be: at start."""
        if self._reasons.get(part) != reason:
            log.info("waiting", service=self.service, part=part, reason=reason)
        self._reasons[part] = reason


def kafka_trouble(error: Exception) -> str:
    """What to do about an error of Kafka's client."""
    if isinstance(error, KafkaError) and not error.retriable and not isinstance(error, KafkaTimeoutError):
        return f"Kafka refuses ({error!r}): mend what it says, rights and quotas first"
    if isinstance(error, KafkaConnectionError) and "bootstrap" in str(error):  # it lists the servers in any order
        why = "no bootstrap server can be reached, or lets us in"
        return f"Kafka does not answer ({why}): start it, or correct GRIDWARD_KAFKA"
    return f"Kafka does not answer ({error!r}): start it, or correct GRIDWARD_KAFKA"


def database_trouble(error: Exception) -> str:
    """What to do about an error of PostgreSQL's client."""
    if isinstance(error, asyncpg.PostgresError) and not is_transient(error):
        return f"PostgreSQL refuses ({error!r}): mend what it says, or correct GRIDWARD_DATABASE"
    return f"PostgreSQL does not answer ({error!r}): start it, or correct GRIDWARD_DATABASE"
