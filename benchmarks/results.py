"""What a run found, as data: every value, its median, the ratios aimed at, and the machine on which it was found."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import ratios
from benchmarks.scale import Scale
from contracts.policy.days import SHANGHAI

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("aiokafka", "asyncpg", "fastapi", "faststream", "pydantic", "uvicorn")
TARGETS = (
    ("ours of reading alone", "ours", "reading", 0.35),
    ("ours of bare COPY of its rows", "ours", "ours-copy", None),
    ("bare COPY of its rows of reading alone", "ours-copy", "reading", None),
    ("ours over one by one", "ours", "one-by-one", 50.0),
    ("ours over Quix Streams", "ours", "quix", None),
    ("door in bulk of bare COPY", "door-bulk", "copy", 0.25),
    ("door in bulk over the plain handler", "door-bulk", "plain-bulk", None),
    ("door one by one over the plain handler", "door-single", "plain-single", 5.0),
    ("door one by one of HTTP alone", "door-single", "http", None),
)
"""What is compared: name, measure, with which, and the ratio to reach."""
P99_TARGET_SECONDS, P99_TARGET_RATE = 2.0, 1_000
SINGLE_TARGET_SECONDS, TODAY_TARGET_SECONDS = 0.25, 0.05
"""Of the 99th percentile: of a request of one record over 64 connections; of `GET /today` for each role."""


@dataclass
class Results:
    """rates: records a second by measure, a value a repetition. latencies: one for each rate offered.

    lists: `GET /today`, one for each role. searches: in a million persons, one for each way. singles: requests of one
    record each. flood: ten times the steady rate.
    """

    scale: Scale
    began: datetime = field(default_factory=lambda: datetime.now(SHANGHAI))
    facts: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    latencies: list[dict[str, float]] = field(default_factory=list)
    lists: list[dict[str, object]] = field(default_factory=list)
    searches: list[dict[str, object]] = field(default_factory=list)
    singles: list[dict[str, object]] = field(default_factory=list)
    flood: dict[str, object] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, name: str, *values: float) -> None:
        self.rates.setdefault(name, []).extend(values)

    def as_json(self) -> dict[str, Any]:
        """The whole run; rates rounded to whole records."""
        return {
            "began": self.began.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "scale": asdict(self.scale),
            "machine": self.facts,
            "rates": {
                name: {"median": round(median(values)), "values": [round(one) for one in values]}
                for name, values in self.rates.items()
            },
            "ratios": _ratios(self.rates),
            "latency": self.latencies,
            "today": self.lists,
            "searches": self.searches,
            "singles": self.singles,
            "flood": self.flood,
        }

    def write(self) -> Path:
        """One file a run, named by its time and scale."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.began:%Y-%m-%d-%H%M}-{self.scale.name}.json"
        path.write_text(json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def _ratios(rates: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {
        name: float(f"{ratios(rates[ours], rates[theirs]):.3g}")
        for name, ours, theirs, _ in TARGETS
        if ours in rates and theirs in rates
    }


def machine(postgres: str, kafka: str) -> dict[str, Any]:
    """Facts without which a rate means nothing. postgres, kafka: their versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "load_at_begin": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": postgres,
        "kafka": kafka,
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
