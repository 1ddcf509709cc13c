"""Log lines: one line an event, for people at a terminal, else JSON. Never a record's content."""

from __future__ import annotations

import logging
import sys

import structlog

_TIME = structlog.processors.TimeStamper(fmt="iso", utc=True)
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    _TIME,
    structlog.processors.format_exc_info,
]
_QUIET = ("aiokafka", "faststream", "uvicorn")  # what these say at INFO, the chassis says in its own words


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
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
