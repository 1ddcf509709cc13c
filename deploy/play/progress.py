"""What the person who typed `make run` sees while it plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.sample.timeline import Step, read_timeline


@contextmanager
def shown(console: Console, sample: Path) -> Iterator[Callable[[Step, int], None]]:
    """A bar over the steps with the stage clock; where the output is no terminal, a line a day."""
    steps = len(read_timeline(sample))
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=steps)
        days: set[str] = set()

        def on_step(step: Step, sent: int) -> None:
            day = f"{step.at:%Y-%m-%d}"
            if not console.is_terminal and day not in days:
                console.print(f"  {day}  {sent:>7,} records sent")
            days.add(day)
            progress.update(task, advance=1, description=f"{step.at:%d %b %H:%M}  {sent:,} records  {step.note}")

        yield on_step
