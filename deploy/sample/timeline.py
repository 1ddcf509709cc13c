"""The order of the play: at each step the stage clock is set, then the step's files are sent (`timeline.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.sample.steps import STEPS

FILE = "timeline.json"


@dataclass(frozen=True)
class Step:
    """at: what the stage clock is set to before the files, NDJSON of canonical records, are sent in this order."""

    at: datetime
    feeds: tuple[Path, ...]
    note: str


def read_timeline(folder: Path) -> tuple[Step, ...]:
    """The steps of a sample that was generated into a folder. Raises FileNotFoundError: generate it first."""
    said = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return tuple(
        Step(datetime.fromisoformat(step["at"]), tuple(folder / name for name in step["feeds"]), step["note"])
        for step in said["steps"]
    )


def write_timeline(folder: Path, files: Sequence[Sequence[str]], notes: Mapping[int, str]) -> None:
    """notes: by index of the step."""
    steps = [
        {"at": at.isoformat(), "feeds": list(names), "note": notes.get(index) or _usual(at)}
        for index, (at, names) in enumerate(zip(STEPS, files, strict=True))
    ]
    text = json.dumps({"steps": steps}, ensure_ascii=False, indent=1)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def _usual(at: datetime) -> str:
    day = f"{at:%d} March"
    if at.hour == 0:
        return f"{day}: what ended at midnight: second phases begin, people go home"
    return f"{day}: " + {9: "morning visits", 17: "evening visits and the day's results"}.get(at.hour, "work goes on")
