"""The command `gridward`: one service each, all four, the play, and what an operator does beside them."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from services import deadletters, forget, recovery
from services.chassis.errors import GridwardError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Grid-based epidemic prevention on Kafka. `gridward run` shows it all; the others run it on your servers.",
    epilog="Settings are read from GRIDWARD_*: see the README. Example: GRIDWARD_KAFKA=host:9092 "
    "GRIDWARD_DATABASE=postgresql://user@host/gridward GRIDWARD_TOKEN_KEY=… gridward tracing",
)
app.add_typer(deadletters.app, name="deadletters")
recovery.register(app)
forget.register(app)


def _serve(name: str) -> None:
    from services.chassis.running import main as serve
    from services.chassis.settings import Settings

    sys.exit(serve([(import_module(f"services.{name}.service").SERVICE, Settings.from_environment())]))


@app.command()
def intake() -> None:
    """Run intake: the door, the ledger, the vault. Example: gridward intake"""
    _serve("intake")


@app.command()
def tracing() -> None:
    """Run tracing: contacts, quarantine and isolation. Example: gridward tracing"""
    _serve("tracing")


@app.command()
def alerts() -> None:
    """Run alerts: clocks, escalation, messages. Example: gridward alerts"""
    _serve("alerts")


@app.command()
def rollup() -> None:
    """Run rollup: the exact figures at every level. Example: gridward rollup"""
    _serve("rollup")


@app.command("all")
def all_services() -> None:
    """Run the four on your servers, at GRIDWARD_HTTP_PORT and the next three. Example: GRIDWARD_KAFKA=… gridward all"""
    from deploy.run import serve_all
    from services.chassis.settings import Settings

    sys.exit(uvloop.run(serve_all(Settings.from_environment())))


@app.command()
def run(
    once: Annotated[
        bool, typer.Option("--once", help="exit after the summary: 0 only if all equals the truth")
    ] = False,
    scale: Annotated[
        float, typer.Option(min=0.005, max=1, help="share of the published contacts; 1 is full size")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="another number, another outbreak")] = 20220305,
) -> None:
    """See it run: embedded servers, four services, the sample outbreak. Example: gridward run --once --scale 0.01"""
    from deploy.run import run_sample

    sys.exit(uvloop.run(run_sample(once=once, scale=scale, seed=seed)))


@app.command()
def send(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="NDJSON, or a sheet with --mapping")],
    mapping: Annotated[str | None, typer.Option(help="a mapping's name or TOML file: columns, dates, words")] = None,
    to: Annotated[str, typer.Option(envvar="GRIDWARD_INTAKE", help="where intake listens")] = "http://127.0.0.1:8000",
    token: Annotated[str, typer.Option(envvar="GRIDWARD_TOKEN", help="made by `gridward token`")] = "",
    year: Annotated[int | None, typer.Option(min=1900, max=2199, help="of a sheet's days without one, 3.5")] = None,
    division: Annotated[str | None, typer.Option(help="of all rows, for a sheet without such a column")] = None,
) -> None:
    """Send a file by intake's door, a verdict each. Example: gridward send cases.csv --mapping tianjin-2020"""
    from services.door_client import Target
    from services.sending import send_file

    sys.exit(send_file(file, Target(to, token, year, division), mapping))


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="who it is for")],
    role: Annotated[
        list[str],
        typer.Option(help="sender, worker, leader, operator, identity-reader or resident; may be given again"),
    ],
    key: Annotated[str, typer.Option(envvar="GRIDWARD_TOKEN_KEY", help="the services' key, 32 characters or more")],
    division: Annotated[str, typer.Option(help="the division it covers, with all below it")] = "",
    everywhere: Annotated[bool, typer.Option("--everywhere", help="instead of a division: it covers all")] = False,
    hours: Annotated[int, typer.Option(min=1, max=8784, help="how long it holds")] = 12,
) -> None:
    """Make a token with GRIDWARD_TOKEN_KEY. Example: gridward token duty-desk --role operator --division 3304"""
    from pydantic import SecretStr

    from services.chassis.access import ROLES, make_token

    if len(key) < 32:
        raise typer.BadParameter("GRIDWARD_TOKEN_KEY must be the services' own key, 32 characters or more")
    if unknown := sorted(set(role) - set(ROLES)):
        raise typer.BadParameter(f"no role {', '.join(map(repr, unknown))}: give --role one of {', '.join(ROLES)}")
    if not name.strip():
        raise typer.BadParameter("say who it is for: a name, which is kept with what is done by it")
    if bool(division) == everywhere:
        raise typer.BadParameter("say what it covers: --division CODE, with all below it, or else --everywhere")
    typer.echo(make_token(SecretStr(key), name, frozenset(role), division, hours))


def main() -> None:
    """The entry point: a user's mistake ends in a line of text and code 2, Ctrl-C in 130, neither in a stack trace."""
    try:
        app()
    except GridwardError as mistake:
        typer.echo(f"gridward: {mistake}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
