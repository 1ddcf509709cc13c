"""MLLP: HL7 v2 over TCP, <0B> message <1C><0D>, one answer each in order (HL7 v2.5.1 implementation guide, appendix C).

There is no sign-in in MLLP: a connection is taken only from addresses that a source names, a message only of the source
whose MSH-3, MSH-4 and address fit together; with GRIDWARD_MLLP_CERTIFICATE it is TLS, with GRIDWARD_MLLP_CLIENTS its
clients show a certificate.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from services.chassis.database import DATABASE_ERRORS, is_transient
from services.chassis.errors import GridwardError, WrongSettings
from services.chassis.settings import Settings, cannot_listen
from services.intake.door import Door
from services.intake.health.hl7.answering import Acknowledged, answer, come_back
from services.intake.health.hl7.frames import END, START, Frames
from services.intake.health.sources import Source, Sources
from services.intake.problems import Problem, Refused
from services.intake.room import ComeBackLater
from services.intake.sender import Sender

log = structlog.get_logger()

SLOWEST = 60.0
"""Seconds that a message which has begun may wait for its next bytes, and an answer for being read."""
QUIET = 3600.0
"""Seconds that a connection may say nothing."""
MOST_CONNECTIONS = 200
_PIECE = 64 * 1024


class Listener:
    """Answers connections, each message after its commit."""

    def __init__(self, door: Door, sources: Sources) -> None:
        self._door, self._sources = door, sources
        self._tasks: set[asyncio.Task[None]] = set()

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        address = str((writer.get_extra_info("peername") or ("",))[0])
        known = any(self._sources.may_speak_mllp(each, address) for each in self._sources.all)
        if not known or len(self._tasks) >= MOST_CONNECTIONS or task is None:
            log.warning("mllp connection refused", why="too many" if known else "no source names this address")
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self._serve(reader, writer, address)
        except (TimeoutError, OSError) as error:
            log.info("mllp connection ended", error=type(error).__name__)
        except asyncio.CancelledError:
            pass  # by `end` alone; of a task that stays cancelled asyncio 3.11 prints a trace
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def end(self) -> None:
        """Answer what is being worked on, then close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        frames = Frames()
        while True:
            async with asyncio.timeout(SLOWEST if frames.has_begun else QUIET):
                piece = await reader.read(_PIECE)
            if not piece:
                break
            for body, is_whole in frames.feed(piece):
                await self._answer_whole(body, address, writer, None if is_whole else _cut_off())
        if rest := frames.rest():
            await self._answer_whole(rest, address, writer, _cut_off())

    async def _answer_whole(
        self, body: bytes, address: str, writer: asyncio.StreamWriter, broken: Refused | None = None
    ) -> None:
        """Not cancelled between the commit and the answer: the sender would not know."""
        answering = asyncio.ensure_future(self._answer(body, address, writer, broken))
        try:
            await asyncio.shield(answering)
        except asyncio.CancelledError:
            await answering
            raise

    async def _answer(
        self, body: bytes, address: str, writer: asyncio.StreamWriter, broken: Refused | None = None
    ) -> None:
        acknowledged = await self._acknowledged(body, address, broken)
        writer.write(START + acknowledged.body + END)
        with suppress(ConnectionError):
            async with asyncio.timeout(SLOWEST):
                await writer.drain()

    async def _acknowledged(self, body: bytes, address: str, broken: Refused | None) -> Acknowledged:
        def admittance(source: Source | None) -> Sender:
            if broken:
                raise broken
            if source is not None and not self._sources.may_speak_mllp(source, address):
                raise Refused(Problem("MSH^1^3", "not_from_here"))
            return source.sender if source else Sender(f"mllp {address}", ())

        try:
            await self._room(body)
            return await answer(self._door, body, self._sources, None, admittance)
        except (GridwardError, *DATABASE_ERRORS) as error:
            if not isinstance(error, GridwardError) and not is_transient(error):
                log.error("mllp message not taken", error=type(error).__name__)
            return come_back(body, None)

    async def _room(self, body: bytes) -> None:
        """Wait for room: a sender of MLLP sends nothing more before its answer."""
        while True:
            try:
                with self._door.room.single(Sender("mllp", ())):
                    return
            except ComeBackLater as later:
                await asyncio.sleep(min(later.seconds, 5))


def _cut_off() -> Refused:
    return Refused(Problem("", "not_ended"))


class _Handshake(ssl.SSLObject):
    """Says why a client was turned away; asyncio closes such a connection without a word."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            reason = error.reason or type(error).__name__
            log.warning("mllp connection refused", why=_NO_TLS.get(reason, reason.lower().replace("_", " ")))
            raise


_NO_TLS = dict.fromkeys(
    ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_MESSAGE"),
    "it spoke no TLS; this port takes nothing else",
) | dict.fromkeys(
    ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "CERTIFICATE_VERIFY_FAILED"),
    "it showed no certificate of an authority in GRIDWARD_MLLP_CLIENTS",
)
"""Reasons of OpenSSL in words."""


@asynccontextmanager
async def mllp_listener(door: Door, sources: Sources, settings: Settings) -> AsyncIterator[int | None]:
    """Listens until the block ends; gives the port, None without GRIDWARD_MLLP_PORT. Raises WrongSettings."""
    if settings.mllp_port is None:
        yield None
        return
    if not any(source.hl7.addresses for source in sources.all):
        raise WrongSettings("GRIDWARD_MLLP_PORT is set and no file of GRIDWARD_SOURCES has hl7.addresses: add them")
    listener, tls = Listener(door, sources), _tls(settings)
    try:
        server = await asyncio.start_server(
            listener.on_connection, settings.mllp_host, settings.mllp_port, ssl=tls, limit=_PIECE
        )
    except OSError as error:
        raise cannot_listen("MLLP", settings.mllp_host, settings.mllp_port, error) from None
    port = server.sockets[0].getsockname()[1]
    log.info("mllp listens", host=settings.mllp_host, port=port, tls=settings.mllp_certificate is not None)
    try:
        yield port
    finally:
        server.close()
        await listener.end()
        await server.wait_closed()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """Raises WrongSettings."""
    if settings.mllp_certificate is None:
        if settings.mllp_clients:
            raise WrongSettings("GRIDWARD_MLLP_CLIENTS needs GRIDWARD_MLLP_CERTIFICATE")
        return None
    what = "GRIDWARD_MLLP_CERTIFICATE with its key"
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = _Handshake
        context.load_cert_chain(settings.mllp_certificate, settings.mllp_certificate_key)
        if settings.mllp_clients:
            what = "GRIDWARD_MLLP_CLIENTS"
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(settings.mllp_clients)
    except (OSError, ssl.SSLError) as error:
        raise WrongSettings(f"{what} cannot be used: {error}") from None
    return context
