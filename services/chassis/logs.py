"""Log lines: one line an event, for people at a terminal, else JSON. Never a record's content."""

from __future__ import annotations

import logging
import sys
import time

import structlog
from aiokafka.errors import KafkaError

_TIME = structlog.processors.TimeStamper(fmt="iso", utc=True)
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    _TIME,
    structlog.processors.format_exc_info,
]
_QUIET = ("aiokafka", "faststream", "uvicorn", "httpx")  # what these say at INFO, the chassis says in its own words

_SAME_AGAIN = 10.0  # seconds


class _OnceInAWhile(logging.Filter):
    """Kafka's client says the same several times a second while the broker is away; the chassis says it as well."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        known = now - self._said.get(str(record.msg), -_SAME_AGAIN) < _SAME_AGAIN
        if not known:
            self._said[str(record.msg)] = now
        return not known


def _is_ours_to_say(record: logging.LogRecord) -> bool:
    """aiokafka leaves futures of its own unread when a broker goes; asyncio says so when they are collected."""
    return not (record.exc_info and isinstance(record.exc_info[1], KafkaError))


def configure(level: str) -> None:
    """Set up the logs of this process; level as GRIDWARD_LOG_LEVEL."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: structlog.typing.Processor = plain if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*_SHARED, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    seldom = _OnceInAWhile()
    handler.addFilter(lambda record: not record.name.startswith("aiokafka") or seldom.filter(record))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("asyncio").addFilter(_is_ours_to_say)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
