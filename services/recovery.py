"""`gridward new-epoch`, `gridward rebuild`, `gridward relay void`: what an operator does when a database or a log was
put back, lost or filled wrongly. A mistake, or a server that is away, ends in a line of text and code 2.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from services.deadletters import LARGEST_ID

if TYPE_CHECKING:
    from services.chassis.replay import Replaying
    from services.chassis.service import Service

T = TypeVar("T")
ORIGIN = "intake"
Named = Annotated[str, typer.Argument(help="intake, tracing, alerts or rollup", metavar="SERVICE")]
Derived = Annotated[str, typer.Argument(help="tracing, alerts or rollup", metavar="SERVICE")]
Row = Annotated[
    int,
    typer.Argument(
        min=1, max=LARGEST_ID, help="the row's id, as /readyz and the table `outbox` name it", metavar="ROW"
    ),
]

relay = typer.Typer(no_args_is_help=True, help="What the relay of a service cannot do by itself.")


def register(app: typer.Typer) -> None:
    """Add these commands to `gridward`."""
    app.command("new-epoch")(new_epoch)
    app.command("rebuild")(rebuild)
    app.add_typer(relay, name="relay")


def new_epoch(service: Named) -> None:
    """Let a database that was put back publish again; stop the service first. Example: gridward new-epoch tracing"""
    from services.chassis import operating, rebuilding
    from services.chassis.settings import Settings

    its, settings = _service(service), Settings.from_environment()
    if service == ORIGIN:
        opened = _run(operating.new_epoch(its, settings))
        typer.echo(
            f"epoch {opened.epoch} of {service} is open: the log holds {opened.said_before} events that the database "
            f"did not, {opened.dropped} of them waited to be said again and were dropped. Start the service, then have "
            "the senders send again what they sent since the backup: what the log holds keeps its ids."
        )
        return
    opened, redone = _run(rebuilding.open_again(its, _replaying(service), settings, _Progress().show))
    typer.echo(
        f"\nepoch {opened.epoch} of {service} is open: the log holds {opened.said_before} events that the database did "
        f"not; {redone.records} records were heard again, {redone.said} said otherwise go out. Start the service."
    )


def rebuild(service: Derived) -> None:
    """Empty a service's tables and fill them from the log; stop the service first. Example: gridward rebuild rollup"""
    from services.chassis import rebuilding
    from services.chassis.settings import Settings

    its = _service(service)
    if service == ORIGIN:
        raise typer.BadParameter("intake is where the log comes from: restore its database, then `gridward new-epoch`")
    redone = _run(rebuilding.rebuild(its, _replaying(service), Settings.from_environment(), _Progress().show))
    typer.echo(
        f"\n{service} is rebuilt from {redone.records} records; {redone.said} events that it now says otherwise than "
        "before wait to go out. Start the service."
    )


@relay.command("void")
def void(service: Named, row: Row) -> None:
    """Empty a row that Kafka will not take; its number goes out. Example: gridward relay void alerts 812"""
    from services.chassis import operating
    from services.chassis.settings import Settings

    event = _run(operating.void_row(_service(service), Settings.from_environment(), row))
    typer.echo(f"row {row} is void: the event {event} will not be heard, its number goes out. Start the service.")


def _service(name: str) -> Service:
    from contracts.topics import SERVICES

    if name not in SERVICES:
        raise typer.BadParameter(f"no service {name!r}: one of {', '.join(SERVICES)}")
    service: Service = import_module(f"services.{name}.service").SERVICE
    return service


def _replaying(name: str) -> Replaying:
    replaying: Replaying = import_module(f"services.{name}.replaying").REPLAYING
    return replaying


def _run(work: Coroutine[Any, Any, T]) -> T:
    import asyncpg
    from aiokafka.errors import KafkaError

    from services.chassis import logs
    from services.chassis.health import database_trouble, kafka_trouble

    logs.configure("WARNING")  # what a replay hears again was told, said and made long ago
    try:
        return asyncio.run(work)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        words = "the database has no tables of this service: correct GRIDWARD_DATABASE, or start the service once"
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        words = database_trouble(error)
    except (KafkaError, TimeoutError) as error:
        words = kafka_trouble(error)
    except OSError as error:
        words = database_trouble(error)
    typer.echo(f"gridward: {words}", err=True)
    raise typer.Exit(2)


class _Progress:
    """A line on a terminal, each tenth on anything else."""

    def __init__(self) -> None:
        self._tenth = 0

    def show(self, done: int, total: int, at: datetime) -> None:
        tenth = 10 * done // max(total, 1)
        line = f"{done:,} of {total:,} records heard again, up to {at:%Y-%m-%d %H:%M}"
        if sys.stderr.isatty():
            typer.echo(f"\r{line}", err=True, nl=False)
        elif tenth > self._tenth:
            self._tenth = tenth
            typer.echo(line, err=True)
