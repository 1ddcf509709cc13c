"""`gridward deadletters`: what an operator sees of the records that were set aside, and does about them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.letters import Act

LARGEST_ID = 2**63 - 1  # of a bigint

app = typer.Typer(
    no_args_is_help=True,
    help="Records that a service set aside: why, since when, and what to do. Nothing shown names a person.",
    epilog="Mend the cause first (`show` says it). `resend` runs the service's own handlers on the record, beside the "
    "running service; `drop` gives it up. Both are kept with name, time and reason.",
)

Named = Annotated[str, typer.Argument(help="intake, tracing, alerts or rollup", metavar="SERVICE")]
Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help="as `list` shows it", metavar="ID")]
Ids = Annotated[list[int] | None, typer.Argument(min=1, max=LARGEST_ID, help="as `list` shows them", metavar="[ID]...")]
Every = Annotated[bool, typer.Option("--all", help="every open one, instead of ids")]
Topic = Annotated[str | None, typer.Option(help="with --all: only those of this topic")]
By = Annotated[str, typer.Option(help="who decides; kept")]
Reason = Annotated[str, typer.Option(help="why, in words; kept")]


@app.command("list")
def list_(
    service: Annotated[str | None, typer.Argument(help="one service; all if none is named")] = None,
    topic: Annotated[str | None, typer.Option(help="only those of this topic")] = None,
) -> None:
    """List what is open, oldest first. Example: gridward deadletters list tracing --topic tests"""
    from services import letters  # noqa: PLC0415 - `--help` answers before the services are imported

    named = letters.services_named(service)
    letters.check_topic(named, topic)
    asyncio.run(letters.tell_open(named, topic))


@app.command()
def show(service: Named, number: Id) -> None:
    """Show one, open or closed: all but identity. Example: gridward deadletters show tracing 7"""
    from services import letters  # noqa: PLC0415

    (its,) = letters.services_named(service)
    asyncio.run(letters.tell_one(its, number))


@app.command()
def resend(service: Named, by: By, reason: Reason, ids: Ids = None, every: Every = False, topic: Topic = None) -> None:
    """Run the handlers again. Example: gridward deadletters resend tracing 7 --by duty-desk --reason "rule mended" """
    from services import letters  # noqa: PLC0415

    _check(by, reason, ids, every, topic)
    _settle(service, letters.resending(by, reason), ids, topic)


@app.command()
def drop(service: Named, by: By, reason: Reason, ids: Ids = None, every: Every = False, topic: Topic = None) -> None:
    """Give some up. Example: gridward deadletters drop tracing --all --topic tests --by duty-desk --reason "noise" """
    from services import letters  # noqa: PLC0415

    _check(by, reason, ids, every, topic)
    _settle(service, letters.dropping(by, reason), ids, topic)


def _check(by: str, reason: str, ids: list[int] | None, every: bool, topic: str | None) -> None:
    if bool(ids) == every:
        raise typer.BadParameter("name the dead letters by their ids, or give --all")
    if topic and not every:
        raise typer.BadParameter("--topic goes with --all")
    if not by.strip() or not reason.strip():
        raise typer.BadParameter("--by and --reason are kept for those who ask later: give a name and a few words")


def _settle(service: str, act: Act, ids: list[int] | None, topic: str | None) -> None:
    from services import letters  # noqa: PLC0415

    (its,) = letters.services_named(service)
    letters.check_topic([its], topic)
    if asyncio.run(letters.settle(its, act, ids or [], topic)):
        raise typer.Exit(2)
