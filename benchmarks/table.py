"""The table of a run in words: for the screen, and between two marks of README.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.results import (
    P99_TARGET_RATE,
    P99_TARGET_SECONDS,
    SINGLE_TARGET_SECONDS,
    TARGETS,
    TODAY_TARGET_SECONDS,
)

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- begin: written by `make bench` -->", "<!-- end -->"
NAMES = {
    "reading": "reading alone: aiokafka `getmany`, nothing done with it (the limit)",
    "ours": "ours: `gridward rollup`, six levels in two trees with history into PostgreSQL, exactly once",
    "ours-copy": "bare COPY of the rows that it left, into empty tables like its own (the limit)",
    "quix": "Quix Streams: six counters in state",
    "one-by-one": "FastStream, one message and one upsert at a time",
    "relay": "relay: outbox to Kafka, acknowledged and deleted",
    "copy": "bare COPY of the rows that the door left, into empty tables like its own (the limit)",
    "door-bulk": "door, 5,000 lines a request, one connection",
    "plain-bulk": "the same in bulk to a plain FastAPI handler",
    "door-single": "door, one record a request, 64 connections",
    "plain-single": "the same one by one to a plain FastAPI handler",
    "http": "the same to uvicorn, which answers and does nothing (the limit)",
    "sheet": "a spreadsheet of 10,000 rows by `POST /sheets` into a base of a million persons, rows (2,000 wanted)",
}

SINGLES = {"door": "door", "plain": "a plain FastAPI handler"}


def rows(found: Mapping[str, Any]) -> Iterator[str]:
    """Markdown lines of a run's JSON."""
    facts, rates = found["machine"], found["rates"]
    yield (
        f"{found['began'][:10]}, `BENCH={found['scale']['name']}`, {found['seconds']:.0f} s: {facts['cores']} cores "
        f"({facts['processor']}), {facts['memory_gib']} GiB, load {facts['load_at_begin']} before the run; Python "
        f"{facts['python']}, PostgreSQL {facts['postgresql']}, Apache Kafka {facts['kafka']}, and these two on the "
        f"same machine. A screening has {facts.get('bytes_a_record', '?')} bytes."
    )
    if rates:
        yield from _rate_rows(rates)
    if found["ratios"]:
        yield from _ratio_rows(found["ratios"])
    if found["latency"]:
        yield from _latency_rows(found["latency"])
    if found.get("singles"):
        yield from _single_rows(found["singles"])
    if found.get("flood"):
        yield from _flood_rows(found["flood"])
    if found.get("today"):
        yield from _today_rows(found["today"])
    if found.get("searches"):
        yield from _search_rows(found["searches"])


def _rate_rows(rates: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "| what | records/s, median | repetitions |", "|---|---:|---|")
    for name, told in NAMES.items():
        if name in rates:
            values = ", ".join(f"{value:,}" for value in rates[name]["values"])
            yield f"| {told} | {rates[name]['median']:,} | {values} |"


def _ratio_rows(ratios: Mapping[str, float]) -> Iterator[str]:
    yield from ("", "| ratio of medians | found | to reach |", "|---|---:|---|")
    for name, _, _, target in TARGETS:
        if name in ratios:
            reached = "" if target is None else f"{target:g}: {'reached' if ratios[name] >= target else 'not reached'}"
            yield f"| {name} | {ratios[name]:g} | {reached} |"


def _latency_rows(latencies: list[Mapping[str, float]]) -> Iterator[str]:
    yield from ("", "| accepted to the province's figure, offered records/s | reached | p50 | p99 | to reach |")
    yield "|---|---:|---:|---:|---|"
    for one in latencies:
        target = ""
        if one["offered"] == P99_TARGET_RATE:
            reached = one["p99"] < P99_TARGET_SECONDS and one["reached"] > 0.99 * one["offered"]
            target = f"p99 under {P99_TARGET_SECONDS:g} s: {'reached' if reached else 'not reached'}"
        yield f"| {one['offered']:,} | {one['reached']:,.0f} | {one['p50']:.2f} s | {one['p99']:.2f} s | {target} |"


def _single_rows(found: list[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("", "| one record a request, 64 connections | p50 | p99 | to reach |", "|---|---:|---:|---|")
    for one in found:
        p50, p99 = _percentiles(one)
        target = ""
        if one["who"] == "door":
            reached = "reached" if one["p99"] < SINGLE_TARGET_SECONDS else "not reached"
            target = f"p99 under {SINGLE_TARGET_SECONDS * 1000:g} ms: {reached}"
        yield f"| {SINGLES[one['who']]} | {p50} | {p99} | {target} |"


def _percentiles(one: Mapping[str, Any]) -> tuple[str, str]:
    return f"{one['p50'] * 1000:.0f} ms", f"{one['p99'] * 1000:.0f} ms"


def _flood_rows(one: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "",
        "| ten times the steady rate | seconds | accepted | told to wait | lost | intake's memory |",
    )
    memory = f"{one['memory_before']:.0f} MiB before, {one['memory_most']:.0f} MiB at most"
    lost = one["offered"] - one["accepted"] - one["told_to_wait"]
    yield "|---:|---:|---:|---:|---:|---|"
    yield (
        f"| {one['offered']:,} | {one['seconds']:.0f} | {one['accepted']:,} | {one['told_to_wait']:,} | {lost} "
        f"| {memory} |"
    )


def _today_rows(lists: list[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("", "| `GET /today` of a | items | p50 | p99 | to reach |", "|---|---:|---:|---:|---|")
    for one in lists:
        reached = "reached" if one["p99"] < TODAY_TARGET_SECONDS else "not reached"
        target = f"p99 under {TODAY_TARGET_SECONDS * 1000:g} ms: {reached}"
        p50, p99 = _percentiles(one)
        yield f"| {one['role']} | {one['items']:,} | {p50} | {p99} | {target} |"


def _search_rows(ways: list[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("", "| `POST /people/searches` in a million persons by | shown | p50 | p99 |", "|---|---:|---:|---:|")
    for one in ways:
        p50, p99 = _percentiles(one)
        yield f"| {one['way']} | {one['shown']:.0f} | {p50} | {p99} |"


def write_readme(results: Path) -> None:
    """Puts a run's table between the marks, and says which file it was written from."""
    text = README.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    README.write_text(f"{before}{generated(results)}{after}", encoding="utf-8")


def generated(results: Path) -> str:
    """All from mark to mark."""
    table = "\n".join(rows(json.loads(results.read_text(encoding="utf-8"))))
    return f"{BEGIN}\nFrom [`results/{results.name}`](results/{results.name}).\n\n{table}\n{END}"
