"""Weakened services, to prove that the harness can fail: `python -m tests.faults.chaos.weakened ROLE WEAKNESS…`.

The roles are a bare producer (an outbox and its relay), the probe, and tracing. Each weakness undoes one thing that the
protocol rests on, in this process alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.chaos import probe

SAID = "create table if not exists said (event_id text not null)"
"""What was committed: the miniature writes it beside the outbox, in the same transaction."""

INSERTION_NUMBERS = """
create sequence if not exists numbers;
alter table outbox add column if not exists number bigint not null default nextval('numbers')"""


def fence_off() -> None:
    """Every record that comes is taken, wherever it stands."""
    from services.chassis import once
    from services.chassis.fence import Judged, Number

    def take_all(stored: Any, records: Sequence[Any], log_start: int = 0) -> Judged[Any]:
        del log_start
        last = Number.of(records[-1].headers) or (1, "", stored.last)
        return Judged(replace(stored, next_offset=records[-1].offset + 1, last=last[2]), list(records))

    setattr(once, "judge", take_all)  # noqa: B010 - a weakness, put in from outside


def two_relays() -> None:
    """No lock keeps a second relay away. Not a weakness: safety does not rest on that lock."""
    from services.chassis import relay

    relay.TRY_LOCK = "select $1::text is not null"


def insertion_numbers() -> None:
    """The number of a row is the one it was given when it was inserted."""
    from services.chassis import plan

    plan.MOST_ROWS = 1
    plan._READ = plan._READ.replace("l.last,", "o.number - 1 as last,")
    plan._ANSWERED = plan._ANSWERED.replace(
        "(l.topic, l.partition, l.last) = (a.topic, a.partition, a.last)",
        "(l.topic, l.partition) = (a.topic, a.partition)",
    )


def stale_plan() -> None:
    """One statement waits for the lock and chooses the rows, which it sees as they were before the wait."""
    from services.chassis import plan, relay

    whole, lock = plan.make_plans, plan._LOCK
    held = "with held as (select topic, partition, ids from lanes order by topic, partition for update)"
    plan._CHOOSE = held + plan._CHOOSE.replace("from lanes l cross join", "from held l cross join")

    async def make_plans(db: Any, answers: Any, busy: Any) -> Any:
        plan._LOCK = lock if answers else "select"
        return await whole(db, answers, busy)

    setattr(relay, "make_plans", make_plans)  # noqa: B010 - a weakness, put in from outside


def pipelined() -> None:
    """The two halves of a plan are on their way at once; each is taken or refused by itself."""
    import asyncio

    from services.chassis import relay
    from services.chassis.sending import send as whole

    async def in_halves(producer: Any, plan: Any) -> Any:
        cut = len(plan.rows) // 2
        halves = [replace(plan, rows=plan.rows[:cut]), replace(plan, last=plan.last + cut, rows=plan.rows[cut:])]
        answers = await asyncio.gather(*(whole(producer, half) for half in halves if half.rows))
        return replace(answers[-1], last=plan.last)

    setattr(relay, "send", in_halves)  # noqa: B010 - a weakness, put in from outside


def past_the_outbox() -> None:
    """Events are published when their transaction has committed, and kept nowhere until then."""
    from tests.faults.chaos.past_outbox import publish_after_commit

    publish_after_commit()


def derive_inside() -> None:
    """What follows from facts is derived in the transaction that stores them, as one would write it: nobody waits."""
    from services.tracing import service
    from tests.faults.chaos.inside import on_batch, without_waiting

    without_waiting()
    service.SERVICE = replace(service.SERVICE, on_batch=on_batch, ticks=())


WEAKNESSES: Mapping[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        fence_off,
        two_relays,
        insertion_numbers,
        stale_plan,
        pipelined,
        past_the_outbox,
        derive_inside,
    )
}


def _serve_producer(weaknesses: Sequence[str]) -> int:
    from services.chassis.running import main
    from services.chassis.service import Service
    from services.chassis.settings import Settings
    from tests.faults.chaos.saying import routes

    schema = f"{SAID}; {INSERTION_NUMBERS}" if insertion_numbers.__name__ in weaknesses else SAID
    return main([(Service("intake", schema, routes=routes), Settings.from_environment())])


def _serve_tracing() -> int:
    from services.chassis.running import main
    from services.chassis.settings import Settings
    from services.tracing import service

    return main([(service.SERVICE, Settings.from_environment())])


def serve(role: str, weaknesses: Sequence[str]) -> int:
    """Run a role with these weaknesses until it is asked to end."""
    for name in weaknesses:
        WEAKNESSES[name]()
    if role == "probe":
        return probe.serve()
    return _serve_tracing() if role == "tracing" else _serve_producer(weaknesses)


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], sys.argv[2:]))
