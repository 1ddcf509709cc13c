"""`python -m benchmarks`: measure, print the table, write the JSON, and after a whole run the table in README.md."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from benchmarks.measure import BenchError
from benchmarks.results import Results
from benchmarks.running import Run
from benchmarks.scale import FULL, PARTS, SHORT
from benchmarks.table import rows, write_readme
from deploy.fleet import FleetError
from deploy.local.apache import what_is_missing
from deploy.play.quiet import NotQuietError
from deploy.watching import say_stopped
from services.chassis import logs

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    help="Measure the product on Apache Kafka and PostgreSQL of this machine, beside what one might write instead.",
    epilog="Examples: python -m benchmarks (under three minutes) · BENCH=full python -m benchmarks · "
    "python -m benchmarks --only reading,ours · python -m benchmarks --only latency",
)
def measure(
    only: Annotated[str, typer.Option(help=f"some of the parts, with commas: {','.join(PARTS)}")] = ",".join(PARTS),
    size: Annotated[str, typer.Option(envvar="BENCH", help="short, or full: 1,000,000 records, longer")] = "short",
) -> None:
    parts = [part.strip() for part in only.split(",")]
    if unknown := sorted(set(parts) - set(PARTS)):
        raise typer.BadParameter(f"no part {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    if size not in (SHORT.name, FULL.name):
        raise typer.BadParameter(f"BENCH is short or full, not {size!r}")
    if missing := what_is_missing():
        raise typer.BadParameter(f"install {missing}: the published figures are of Apache Kafka")
    logs.configure("WARNING")
    console = Console(soft_wrap=not sys.stdout.isatty())
    run = Run(FULL if size == FULL.name else SHORT, parts, console)
    sys.exit(_ended(run, console, whole=set(parts) == set(PARTS)))


def _ended(run: Run, console: Console, *, whole: bool) -> int:
    """The exit code: 0; 1 when a measurement failed; 130 when a person ended it. No process is left in any case."""
    try:
        _publish(asyncio.run(run.whole()), console, whole=whole)
    except KeyboardInterrupt:
        console.print("Stopped; nothing was kept and nothing runs on.")
        return 130
    except (BenchError, FleetError, NotQuietError, TimeoutError) as failed:
        say_stopped(console, failed, "Not measured")
        return 1
    return 0


def _publish(results: Results, console: Console, *, whole: bool) -> None:
    path = results.write()
    console.print(Markdown("\n".join(rows(results.as_json()))))
    console.print(f"Written: {escape(os.path.relpath(path))}")
    if whole:
        write_readme(path)
        console.print("Written: the table in benchmarks/README.md")


if __name__ == "__main__":
    app()
