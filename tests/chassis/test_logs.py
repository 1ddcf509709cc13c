"""Log lines while a server is away: each said once in a while, by the one whose business it is."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
from aiokafka.errors import NodeNotReadyError

from services.chassis import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What goes to stderr during the test."""
    said = io.StringIO()
    with redirect_stderr(said):
        logs.configure("INFO")
        yield said
    logs.configure("INFO")


def test_what_kafkas_client_repeats_is_said_once_in_a_while(lines: io.StringIO) -> None:
    for node in range(50):
        logging.getLogger("aiokafka.cluster").error("Unable connect to node with id %s", node)
        logging.getLogger("gridward").error("ours is said each time")
    said = lines.getvalue()
    assert said.count("Unable connect to node with id") == 1
    assert said.count("ours is said each time") == 50


def test_futures_that_kafkas_client_leaves_are_not_ours_to_say(lines: io.StringIO) -> None:
    say = logging.getLogger("asyncio").error
    say("Future exception was never retrieved", exc_info=NodeNotReadyError("gone"))
    say("Future exception was never retrieved", exc_info=ValueError("a mistake of ours"))
    said = lines.getvalue()
    assert "NodeNotReadyError" not in said
    assert "a mistake of ours" in said
