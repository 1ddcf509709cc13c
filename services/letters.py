"""What `gridward deadletters` does and says; the commands themselves are in `deadletters.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from importlib import import_module

import typer
from asyncpg import Connection

from contracts.topics import SERVICES, heard_by
from services.chassis import deadletter, settling
from services.chassis.errors import DatabaseAway, GridwardError, NeverRan
from services.chassis.masking import key_without_identity, record_without_identity
from services.chassis.service import Service
from services.chassis.settings import Settings

MOST = 100  # rows of one list
LONGEST_LINE = 200  # characters of a reason in a list

Act = Callable[[Connection, Service, int], Awaitable[str]]


def services_named(name: str | None) -> list[Service]:
    """The service of this name, or all. Raises typer.BadParameter."""
    if name is not None and name not in SERVICES:
        raise typer.BadParameter(f"no service {name!r}: one of {', '.join(SERVICES)}")
    return [import_module(f"services.{one}.service").SERVICE for one in SERVICES if name in (None, one)]


def check_topic(services: Sequence[Service], topic: str | None) -> None:
    """Raises typer.BadParameter when none of these services hears the topic, so that it can have no dead letter."""
    heard = sorted({one.key for service in services for one in heard_by(service.name)})
    if topic is not None and topic not in heard:
        raise typer.BadParameter(f"no topic {topic!r} is heard by this: one of {', '.join(heard)}")


async def tell_open(services: Sequence[Service], topic: str | None) -> None:
    """A line for each open dead letter, under its consumer."""
    for service in services:
        try:
            async with settling.desk(service.name, Settings.from_environment()) as db:
                count, letters = await deadletter.count(db, topic), await deadletter.waiting(db, topic, MOST)
        except NeverRan as never:
            typer.echo(f"{service.name}: {never}")
            continue
        typer.echo(f"{service.name}: {f'{count} open' if count else 'no dead letter is open'}")
        for one in letters:
            number = one.number or "without a number"
            place = f"{one.topic}/{one.partition}  {number}"
            typer.echo(f"  {one.id}  since {_when(one.failed_at)}  {place}  {_line(one.reason)}")
        if count > len(letters):
            typer.echo(f"  … and {count - len(letters)} more: close these first, or name a --topic")


async def tell_one(service: Service, number: int) -> None:
    """All that is known of one, open or closed, but identity. Raises NoSuchDeadLetter."""
    async with settling.desk(service.name, Settings.from_environment()) as db:
        letter, notes = await deadletter.find(db, number), await deadletter.notes(db, number)
    state = f"{letter.closed_by}, {_when(letter.closed_at)}" if letter.closed_at else "open"
    lines = [
        ("dead letter", f"{letter.id} of the consumer {service.name}: {state}"),
        ("since", _when(letter.failed_at)),
        ("where", f"{letter.topic}/{letter.partition} offset {letter.record_offset}"),
        ("number", letter.number or "none: the header `n` is missing or cannot be read"),
        ("key", key_without_identity(letter.key)),
        ("why", letter.reason),
        *(("done", f"{n.act} by {n.done_by}, {_when(n.at)}: {n.reason} ({_line(n.outcome)})") for n in notes),
        ("record", record_without_identity(letter.record)),
    ]
    for name, value in lines:
        typer.echo(f"{name:<12} {value}")


def resending(by: str, why: str) -> Act:
    """What `resend` does with one."""

    async def resend(db: Connection, service: Service, number: int) -> str:
        said = await settling.resend(db, service, number, by, why)
        return f"dead letter {number} was handled and closed; it said {said} events"

    return resend


def dropping(by: str, why: str) -> Act:
    """What `drop` does with one."""

    async def drop(db: Connection, _: Service, number: int) -> str:
        await settling.drop(db, number, by, why)
        return f"dead letter {number} is closed without being handled; the row stays"

    return drop


async def settle(service: Service, act: Act, ids: Sequence[int], topic: str | None) -> int:
    """Each in a transaction of its own, the rest though one fails; without ids every open one. How many failed."""
    failed = 0
    async with settling.desk(service.name, Settings.from_environment()) as db:
        if not ids:
            ids = [one.id for one in await deadletter.waiting(db, topic, await deadletter.count(db, topic))]
            typer.echo(f"{service.name}: {f'{len(ids)} open' if ids else 'no dead letter is open'}")
        for number in ids:
            try:
                typer.echo(await act(db, service, number))
            except DatabaseAway:
                raise
            except GridwardError as mistake:
                failed += 1
                typer.echo(f"gridward: {mistake}", err=True)
    return failed


def _when(instant: datetime) -> str:
    return instant.astimezone().isoformat(sep=" ", timespec="seconds")


def _line(reason: str) -> str:
    words = " ".join(reason.split())
    return words if len(words) <= LONGEST_LINE else f"{words[:LONGEST_LINE]}…"
