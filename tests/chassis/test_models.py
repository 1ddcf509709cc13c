"""The delivery protocol holds in every state of two small models, and each weaker form fails in the way that is known.

Larger runs of such models stand behind the protocol; these keep it from being changed without being noticed.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from services.chassis import fence as chassis
from tests.chassis.models import consuming
from tests.chassis.models.consuming import Judged, Log, Number, Position
from tests.chassis.models.producing import Bounds, Fence, Numbered, Producing, Protocol
from tests.chassis.models.search import Failure


class Read(NamedTuple):
    """A record as the chassis' fence sees it."""

    offset: int
    headers: tuple[tuple[str, bytes], ...]


def fence_of_the_chassis(stored: Position, offset: int, batch: Log) -> Judged:
    """`services.chassis.fence.judge`, in the model's words."""
    source = "a" if stored.last.epoch else ""
    position = chassis.Position("screenings", 0, stored.next_offset, stored.last.epoch, source, stored.last.number)
    records = [Read(at, (("n", f"{epoch}.a.{number}".encode()),)) for at, (epoch, number) in enumerate(batch, offset)]
    judged = chassis.judge(position, records)
    last = Number(judged.position.epoch, judged.position.last)
    return Judged(
        Position(judged.position.next_offset, last), tuple(batch[record.offset - offset] for record in judged.taken)
    )


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds("aba", kills=2, timeouts=1),
        Bounds("aba", kills=1, timeouts=1, aborts=1),
        Bounds("abab", kills=1, timeouts=0),
        Bounds("aba", kills=1, timeouts=1, most_rows=1),
    ],
    ids=str,
)
def test_whatever_relays_and_the_broker_do_each_event_is_in_the_log_for_good_before_its_row_goes(
    bounds: Bounds,
) -> None:
    found = Producing(Protocol(), bounds).search()
    assert found.failure is None, str(found)
    assert found.rests


CALM = Bounds("ab", relays=1, kills=0, timeouts=0)
KILLED = Bounds("ab", relays=1, kills=1, timeouts=0)
UNANSWERED = Bounds("ab", relays=1, kills=0, timeouts=1)
ONE_KEY = Bounds("aa", relays=1, kills=0, timeouts=0)
TWO_RELAYS = Bounds("ab", relays=2, kills=0, timeouts=0)
IN_MEMORY, WHEN_INSERTED = Numbered.IN_MEMORY, Numbered.WHEN_INSERTED


@pytest.mark.parametrize(
    ("weaker", "bounds", "failure"),
    [
        pytest.param(Protocol(fence=Fence.OFFSETS), KILLED, Failure.DOUBLED, id="offsets only"),
        pytest.param(Protocol(numbered=IN_MEMORY), KILLED, Failure.DOUBLED, id="numbers in memory"),
        pytest.param(
            Protocol(numbered=WHEN_INSERTED, fence=Fence.REPEATS), CALM, Failure.LOST, id="number at insertion"
        ),
        pytest.param(Protocol(numbered=WHEN_INSERTED), CALM, Failure.STOPPED, id="number at insertion, gaps refused"),
        pytest.param(Protocol(requests_unanswered=2, fence=Fence.REPEATS), UNANSWERED, Failure.LOST, id="pipelined"),
        pytest.param(Protocol(requests_unanswered=2), UNANSWERED, Failure.STOPPED, id="pipelined, gaps refused"),
        pytest.param(
            Protocol(checks_last=False), TWO_RELAYS, Failure.LOST, id="an answer clears whatever plan is stored"
        ),
        pytest.param(Protocol(locks_key=False), ONE_KEY, Failure.DISORDER, id="no lock on the key"),
    ],
)
def test_a_weaker_form_doubles_loses_disorders_or_stops(weaker: Protocol, bounds: Bounds, failure: Failure) -> None:
    assert Producing(Protocol(), bounds).search().failure is None
    found = Producing(weaker, bounds).search()
    assert found.failure is failure, str(found)


@pytest.mark.parametrize(
    ("longest", "epochs", "jumps"), [(4, 2, 2), (5, 1, 2), (5, 2, 0)], ids=["two jumps", "longer", "no jumps"]
)
@pytest.mark.parametrize("fence", [consuming.designed, fence_of_the_chassis], ids=["designed", "chassis"])
def test_whatever_consumers_do_they_apply_what_one_undisturbed_reader_would(
    fence: consuming.Fence, longest: int, epochs: int, jumps: int
) -> None:
    log, found = consuming.search_all(fence, longest=longest, epochs=epochs, jumps=jumps)
    assert found.failure is None, f"{log}: {found}"
    assert found.rests


@pytest.mark.parametrize(
    ("weaker", "jumps", "failure"),
    [
        pytest.param(consuming.no_fence, 0, Failure.DOUBLED, id="fence off"),
        pytest.param(consuming.by_offset, 0, Failure.DOUBLED, id="offsets only"),
        pytest.param(consuming.gaps_allowed, 1, Failure.LOST, id="the position jumps, gaps allowed"),
        pytest.param(consuming.by_number, 1, Failure.LOST, id="the position jumps, the offset is not checked"),
    ],
)
def test_a_weaker_fence_doubles_or_loses(weaker: consuming.Fence, jumps: int, failure: Failure) -> None:
    log, found = consuming.search_all(weaker, longest=5, epochs=1, jumps=jumps)
    assert found.failure is failure, f"{log}: {found}"
