"""MLLP over TLS on a real socket: with the right certificates an ACK, otherwise closed, with one line that says why."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.chassis.errors import WrongSettings
from services.chassis.settings import Settings
from services.intake.door import door_of
from services.intake.health.hl7.frames import END, START
from services.intake.health.hl7.mllp import mllp_listener
from services.intake.health.sources import load_sources
from tests.certificates import Pair, a_pair
from tests.rules.hl7_messages import an_oru
from tests.stores.intake_world import World, intake
from tests.stores.served_world import acknowledged
from tests.stores.test_health_hl7 import SOURCES, ack_of

REFUSED = "mllp connection refused"


@asynccontextmanager
async def listening(world: World, server: Pair, **more: Any) -> AsyncIterator[int]:
    """The port of a listener of this world that speaks TLS."""
    asked = {"mllp_port": 0, "mllp_certificate": server.certificate, "mllp_certificate_key": server.key, **more}
    settings = Settings(**{**world.app.settings.model_dump(), **asked})
    async with mllp_listener(door_of(world.app), load_sources(settings.sources), settings) as port:
        assert port is not None
        yield port


async def acked(port: int, server: Pair, client: Pair | None = None) -> str:
    """The word of the ACK; raises OSError (SSLError is one) where the listener closes."""
    context = ssl.create_default_context(cafile=server.certificate)
    if client:
        context.load_cert_chain(client.certificate, client.key)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(START + an_oru() + END)
        return ack_of(await acknowledged(reader))
    except asyncio.IncompleteReadError:
        raise ConnectionError("closed") from None
    finally:
        writer.close()


async def test_a_message_over_tls_gets_its_ack(database: str, tmp_path: Path) -> None:
    server = a_pair(tmp_path, "gridward")
    async with intake(database, sources=SOURCES) as world, listening(world, server) as port:
        assert await acked(port, server) == "AA"
        with pytest.raises(ssl.SSLCertVerificationError):
            await acked(port, a_pair(tmp_path, "somebody-else"))
        ledger = await world.ledger()
    assert ledger["jiashan-lab"]["accepted"] == ledger["jiashan-lab"]["received"] == 1


async def test_a_taken_port_of_mllp_is_refused_in_words(database: str, tmp_path: Path) -> None:
    server = a_pair(tmp_path, "gridward")
    async with intake(database, sources=SOURCES) as world, listening(world, server) as port:
        with pytest.raises(WrongSettings, match=f"port {port} of 127.0.0.1 is taken: set GRIDWARD_MLLP_PORT"):
            async with listening(world, server, mllp_port=port):
                pass


async def test_plain_text_at_a_port_of_tls_is_closed_with_a_line_and_no_trace(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_pair(tmp_path, "gridward")
    with capture_logs() as lines:
        async with intake(database, sources=SOURCES) as world, listening(world, server) as port:
            for words in (START + an_oru() + END, b"GET / HTTP/1.1\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(words)
                async with asyncio.timeout(20):
                    assert START not in await reader.read()
                writer.close()
            assert await acked(port, server) == "AA"
            ledger = await world.ledger()
    refused = [line["why"] for line in lines if line["event"] == REFUSED]
    assert refused == ["it spoke no TLS; this port takes nothing else"] * 2
    assert [record for record in caplog.records if record.exc_info] == [] and "王某" not in str(lines)
    assert ledger["jiashan-lab"]["received"] == 1


async def test_only_clients_of_the_named_authority_are_taken(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, hospital, stranger = (a_pair(tmp_path, name) for name in ("gridward", "hospital", "stranger"))
    with capture_logs() as lines:
        async with (
            intake(database, sources=SOURCES) as world,
            listening(world, server, mllp_clients=hospital.certificate) as port,
        ):
            for client in (None, stranger):
                with pytest.raises(OSError):
                    await acked(port, server, client)
            assert await world.ledger() == {}
            assert await acked(port, server, hospital) == "AA"
    refused = [line["why"] for line in lines if line["event"] == REFUSED]
    assert refused == ["it showed no certificate of an authority in GRIDWARD_MLLP_CLIENTS"] * 2
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_listener_that_ends_while_somebody_is_connected_leaves_no_trace(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_pair(tmp_path, "gridward")
    async with intake(database, sources=SOURCES) as world:
        async with listening(world, server) as port:
            context = ssl.create_default_context(cafile=server.certificate)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(START + an_oru() + END)
            assert ack_of(await acknowledged(reader)) == "AA"
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_certificates_that_cannot_be_used_are_told_at_start(database: str, tmp_path: Path) -> None:
    server, other = a_pair(tmp_path, "gridward"), a_pair(tmp_path, "other")
    async with intake(database, sources=SOURCES) as world:
        for wrong in (Pair(server.certificate, other.key), Pair(server.certificate, str(tmp_path / "none"))):
            with pytest.raises(WrongSettings, match="GRIDWARD_MLLP_CERTIFICATE"):
                async with listening(world, wrong):
                    pass
        with pytest.raises(WrongSettings, match="GRIDWARD_MLLP_CLIENTS"):
            async with listening(world, server, mllp_clients=str(tmp_path / "none")):
                pass
