"""The table at the end of a run."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.chaos.hunting import AT_WORK
from tests.faults.chaos.running import Chaos, Ended
from tests.faults.chaos.windows import WINDOWS


def print_report(console: Console, ended: Ended) -> None:
    """Kills by window, mishaps, what was lost, doubled or out of order, recovery times, and what is wrong."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in _lines(ended):
        table.add_row(name, value)
    console.print(table)
    wrong = ended.judgement.wrong
    for line in wrong:
        console.print(f"[bold red]✗[/] {line[:400]}", soft_wrap=True)
    if not wrong:
        console.print("[bold green]✓ Nothing lost, nothing doubled[/]: equal to the undisturbed run and to the truth")


def keep_record(folder: Path, ended: Ended, chaos: Chaos, began: datetime) -> Path:
    """Write the same as JSON, to be kept: with the seed, the pace, and everything that is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{began:%Y%m%d-%H%M%S}-seed-{chaos.seed}.json"
    asked = {"began": began.isoformat(timespec="seconds"), "records": chaos.records, "seed": chaos.seed}
    content = {**asked, "pace": chaos.pace, **dict(_lines(ended)), "wrong": ended.judgement.wrong}
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _lines(ended: Ended) -> list[tuple[str, str]]:
    chronicle, judgement, sender = ended.chronicle, ended.judgement, ended.player.sender
    count, (middle, worst) = judgement.count, chronicle.recovery()
    found = f"lost {count.lost}, doubled {count.doubled}, out of order {count.out_of_order}"
    fence = [f"{number:,} {name.replace('_', ' ')}" for name, number in sorted(judgement.counters.items())]
    kills = [f"{chronicle.kills[window]} {window}" for window in (*WINDOWS, AT_WORK)]
    verdicts = ", ".join(f"{number:,} {word}" for word, number in judgement.verdicts.counted.most_common())
    return [
        ("Records", f"{len(sender.accounts):,} in {sender.requests:,} requests, {sender.retried:,} tries unanswered"),
        ("Verdicts", f"{verdicts}; {judgement.verdicts.missing} events missing in the log"),
        ("Mishaps", ", ".join(f"{number} {kind}" for kind, number in chronicle.kinds.most_common()) or "none"),
        ("Kills", f"{chronicle.kills.total()} counted: {', '.join(kills)}"),
        ("Log", f"{count.log:,} events, {count.repeats:,} repeats beside them"),
        ("Probe", f"{count.applied:,} applied: {found}"),
        ("Fence", ", ".join(fence) or "idle"),
        ("Recovery", f"median {middle:.1f} s, worst {worst:.1f} s, from the restart until ready"),
        ("Books", f"equal on every lane; {ended.player.steps} steps of the stage clock in {chronicle.now():.0f} s"),
    ]
