"""`python -m tests.faults.chaos`: 200,000 records, every mishap, the judgement; code 1 when anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console

from deploy.local.apache import what_is_missing
from deploy.local.children import scratch_directory
from deploy.play.quiet import NotQuietError
from tests.faults.chaos.report import keep_record, print_report
from tests.faults.chaos.running import Chaos, run_chaos
from tests.faults.chaos.schedule import NOTHING, SHORT, Measure
from tests.faults.chaos.sender import NotTakenError

RECORDS = Path(__file__).parents[3] / "build" / "chaos"
FORMS = {"full": Measure(), "short": SHORT, "none": NOTHING}


def main() -> int:
    """Run it; 0: nothing lost, nothing doubled; 1: something was, or was not reached; 2: cannot start; 130: Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000, help="about as many records (at least 5,600)")
    parser.add_argument("--seed", type=int, default=1, help="another number, other people, other mishaps")
    parser.add_argument("--pace", type=float, default=400.0, help="records a second at most")
    parser.add_argument("--form", choices=FORMS, default="full", help="how many mishaps")
    asked = parser.parse_args()
    console = Console(highlight=False)
    if missing := what_is_missing():
        console.print(f"Chaos needs Apache Kafka, which cannot run here: install {missing}")
        return 2

    def tell(line: str) -> None:
        console.print(line, soft_wrap=True)

    chaos = Chaos(asked.records, asked.seed, asked.pace, FORMS[asked.form], tell)
    try:
        return asyncio.run(_run(chaos, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Ended by you; nothing is kept.")
        return 130


async def _run(chaos: Chaos, console: Console) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = datetime.now().astimezone()
    with scratch_directory() as folder:
        try:
            ended = await run_chaos(chaos, folder)
        except (NotQuietError, NotTakenError, TimeoutError) as stopped:
            console.print(f"[bold red]✗ Stopped:[/] {stopped}", soft_wrap=True)
            logs = RECORDS / f"{began:%Y%m%d-%H%M%S}-logs"
            shutil.copytree(folder / "logs", logs)
            console.print(f"What every process logged lies in {logs}", soft_wrap=True)
            return 1
    print_report(console, ended)
    console.print(f"Kept in {keep_record(RECORDS, ended, chaos, began)}", soft_wrap=True)
    return 1 if ended.judgement.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
