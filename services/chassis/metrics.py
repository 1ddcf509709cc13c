"""The metrics of the chassis, each once; the text says why one would look. A process may run several services."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

_OF_THE_DATABASE = "The same at every replica: take the max."
REFUSED_WHY = ("above", "gap", "source")

READY = Gauge(
    "gridward_ready",
    "1 while /readyz answers 200, 0 while it says what is wrong.",
    ["service"],
)
CONSUMER_LAG = Gauge(
    "gridward_consumer_lag_records",
    f"Records of a topic not applied yet: work has gathered, or a lane has stopped. {_OF_THE_DATABASE}",
    ["service", "topic"],
)
OUTBOX_WAITING = Gauge(
    "gridward_outbox_waiting_rows",
    f"Events said and not in the log yet: grows while Kafka is away or the relay refuses. {_OF_THE_DATABASE}",
    ["service"],
)
LANE_LAST = Gauge(
    "gridward_lane_last_number",
    f"Last number in the log of a topic, summed over its lanes: the producer's half of the books. {_OF_THE_DATABASE}",
    ["service", "topic"],
)
POSITION_LAST = Gauge(
    "gridward_position_last_number",
    "Last number applied of a topic, summed over its lanes: differs from gridward_lane_last_number while lag is 0 "
    f"only if an event was lost. {_OF_THE_DATABASE}",
    ["service", "topic"],
)
BATCH_RECORDS = Histogram(
    "gridward_batch_records",
    "Records of a batch: small when calm, large when behind.",
    ["service"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000),
)
BATCH_DURATION = Histogram(
    "gridward_batch_duration_seconds",
    "From a batch's arrival to its commit: near 10 s Kafka takes the lanes away.",
    ["service"],
    buckets=_SECONDS,
)
DEAD_LETTERS_OPEN = Gauge(
    "gridward_dead_letters_open",
    f"Dead letters for which nobody has done anything yet: `gridward deadletters`. {_OF_THE_DATABASE}",
    ["service"],
)
DEAD_LETTERS = Counter(
    "gridward_dead_letters_total",
    "Events that failed alone and were set aside: `gridward deadletters list` says why.",
    ["service", "topic"],
)
REPEATS_DROPPED = Counter(
    "gridward_repeats_dropped_total",
    "Records read again and dropped: the fence at work after a crash or a rebalance.",
    ["service"],
)
OLD_EPOCHS_DROPPED = Counter(
    "gridward_old_epochs_dropped_total",
    "Records of an epoch before the present one: stays 0 outside restores, else two databases say one topic.",
    ["service"],
)
BATCHES_REFUSED = Counter(
    "gridward_batches_refused_total",
    "Lanes of batches not taken, by why: above (began too high), gap, source.",
    ["service", "why"],
)
BATCH_FAILURES = Counter(
    "gridward_batch_failures_total",
    "Batches rolled back to be read again: PostgreSQL or Kafka is away, or a handler is wrong.",
    ["service"],
)
RELAY_CYCLE = Histogram(
    "gridward_relay_cycle_seconds",
    "One transaction of the relay: grows with an outbox that a long reader keeps from being cleaned.",
    ["service"],
    buckets=_SECONDS,
)
RELAY_SENT = Counter(
    "gridward_relay_sent_records_total",
    "Records answered by Kafka, repeats included.",
    ["service"],
)
RELAY_UNANSWERED = Counter(
    "gridward_relay_unanswered_total",
    "Requests of the relay refused or not answered; the same rows go again.",
    ["service"],
)
TICK_DURATION = Histogram(
    "gridward_tick_duration_seconds",
    "One transaction of a tick: what a service does by itself.",
    ["service", "tick"],
    buckets=_SECONDS,
)
TICK_FAILURES = Counter(
    "gridward_tick_failures_total",
    "Ticks rolled back, to be tried again.",
    ["service", "tick"],
)


def begin(service: str, topics: Iterable[str], ticks: Iterable[str]) -> None:
    """Each counter of the chassis at 0 as a service starts: increase() sees no step in a series that begins at 1.

    topics: that it hears.
    """
    for counter in (REPEATS_DROPPED, OLD_EPOCHS_DROPPED, BATCH_FAILURES, RELAY_SENT, RELAY_UNANSWERED):
        counter.labels(service)
    for counter, labels in ((DEAD_LETTERS, topics), (BATCHES_REFUSED, REFUSED_WHY), (TICK_FAILURES, ticks)):
        for label in labels:
            counter.labels(service, label)
