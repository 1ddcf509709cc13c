"""Quix Streams: six counters in state, one a level, with its defaults (RocksDB, changelog topics, at least once).

The counters lie under the message's own key, so no repartition topic is paid for, which right figures would need.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from quixstreams import Application, State

LEVELS = (2, 4, 6, 9, 12, 15)
began = 0.0
counted = 0


def count(event: dict[str, Any], state: State) -> None:
    global began, counted
    began = began or time.perf_counter()
    for length in LEVELS:
        code = event["division"][:length]
        state.set(code, state.get(code, 0) + 1)
    counted += 1
    if counted == wanted:
        print(json.dumps({"records": counted, "seconds": time.perf_counter() - began}), flush=True)


wanted = int(os.environ["RECORDS"])
app = Application(
    broker_address=os.environ["KAFKA"],
    consumer_group=os.environ["GROUP"],
    auto_offset_reset="earliest",
    state_dir=f"{os.environ['STATE']}/{os.environ['GROUP']}",
    loglevel="ERROR",
)
screenings = app.dataframe(app.topic(os.environ["TOPIC"], value_deserializer="json"))
screenings.update(count, stateful=True)
app.run(count=wanted)
