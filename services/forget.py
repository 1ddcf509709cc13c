"""`gridward forget`: names, numbers, telephones and addresses of people whom nobody needs any more are erased."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.intake.forgetting import Due, Order

Days = Annotated[
    int | None,
    typer.Option(min=0, max=36500, help="since the last record; a person orders them, for no policy states a number"),
]
By = Annotated[str, typer.Option(help="who orders it; kept")]
Reason = Annotated[str, typer.Option(help="under which law or order; kept")]
Division = Annotated[str, typer.Option(help="only people of this division and below")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="count only")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]


def register(app: typer.Typer) -> None:
    """Add the command to `gridward`."""
    app.command("forget")(forget)


def forget(
    days: Days = None,
    by: By = "",
    reason: Reason = "",
    division: Division = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Erase who people were, for good. Example: gridward forget --days 90 --by "data office" --reason "order 12" """
    from services.chassis import logs  # noqa: PLC0415 - `--help` answers before the services are imported

    logs.configure("WARNING")
    raise typer.Exit(asyncio.run(_forget(_order(days, by.strip(), reason.strip(), division), dry_run, yes)))


def _order(days: int | None, by: str, reason: str, division: str) -> Order:
    from datetime import UTC, datetime  # noqa: PLC0415

    from contracts.policy import retention  # noqa: PLC0415
    from services.chassis.access import DIVISION, DIVISION_FORMS  # noqa: PLC0415
    from services.intake.forgetting import Order  # noqa: PLC0415

    if not DIVISION.fullmatch(division):  # all whose code begins so are erased: a digit left out would mean many
        raise typer.BadParameter(f"{division!r} is no division's code: give --division one of {DIVISION_FORMS}")
    stated = retention(datetime.now(UTC), division)
    if days is None and stated.days is None:
        raise typer.BadParameter(
            f"nothing is erased: no number of days is in force ({stated.source}). "
            "A person has to order one: --days N --by NAME --reason WORDS"
        )
    if not by or not reason:
        raise typer.BadParameter("--by and --reason are kept for those who ask later: give a name and a few words")
    if days is None:
        return Order(by, reason, stated.days or 0, stated.source, division)
    return Order(by, reason, days, "order", division)


async def _forget(order: Order, dry_run: bool, yes: bool) -> int:
    from services.chassis.settings import Settings  # noqa: PLC0415
    from services.intake.forgetting import forgetting  # noqa: PLC0415

    async with forgetting(Settings.from_environment(), order) as run:
        due = await run.look()
        _tell(due)
        total = sum(due.people.values())
        if dry_run:
            return 0
        if not yes and not typer.confirm(f"Erase who these {total:,} people were? Nothing brings it back"):
            typer.echo("nothing was erased")
            return 1
        done = await run.erase(total, _show)
    typer.echo(f"{done:,} people are forgotten; destroy the backups that still hold them when their time is over")
    return 0


def _tell(due: Due) -> None:
    for county, number in due.people.items():
        typer.echo(f"{county:6} {number:>9,}")
    typer.echo(f"{sum(due.people.values()):,} people whose last record came before {due.cutoff:%Y-%m-%d %H:%M}")
    if due.waits_for_backups:
        typer.echo("Later ones wait: a backup of the last five weeks may still be put back and resent into.")


def _show(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done:,} of {total:,}", err=True, nl=done == total)
