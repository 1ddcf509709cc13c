"""Damaged messages through the door by HTTP, MLLP and Kafka: answered, none lost, none doubled, the ledger balanced."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from services.intake.health.hl7.frames import END, START
from tests.rules.fhir_messages import as_bytes
from tests.rules.mutations import damaged, damaged_json
from tests.rules.test_health_fuzz import FHIR as FHIR_MESSAGES
from tests.rules.test_health_fuzz import HL7
from tests.stores.intake_world import World, intake
from tests.stores.served_world import acknowledged, mllp_line
from tests.stores.upstream_world import Sent, a_result, binary, produce_quickly, reading, structured, topic, until_read

SOURCES = str(Path(__file__).parents[1] / "sources")
FHIR = {"content-type": "application/fhir+json"}
BATCHES, OF_HL7, OF_FHIR = 5, 160, 40


async def balanced(world: World) -> int:
    """How many were accepted; each is kept once as a revision of its record, and each event was said once."""
    ledger = (await world.ledger()).values()
    for feed in ledger:
        assert feed["received"] == feed["accepted"] + feed["duplicate"] + feed["rejected"]
        assert feed["pending"] == 0
    accepted = sum(feed["accepted"] for feed in ledger)
    assert accepted == await world.pool.fetchval("select coalesce(sum(1 + cardinality(earlier)), 0) from records")
    assert await world.pool.fetchval("select count(*) = count(distinct event_id) from outbox")
    return accepted


async def test_1_000_damaged_messages_through_the_door_lose_and_double_nothing(database: str) -> None:
    chance, statuses, accepted = Random(7), set[int](), list[int]()
    whole = [json.loads(each) for each in FHIR_MESSAGES]
    async with intake(database, sources=SOURCES) as world:
        for _ in range(BATCHES):
            for _ in range(OF_HL7):
                answer = await world.client.post("/hl7", content=damaged(chance.choice(HL7), chance))
                assert b"\rMSA" in answer.content
                statuses.add(answer.status_code)
            for _ in range(OF_FHIR):
                body = as_bytes(damaged_json(chance.choice(whole), chance))
                answer = await world.client.post("/fhir?feed=jiashan-hospital", content=body, headers=FHIR)
                assert answer.json()["resourceType"] in ("Bundle", "OperationOutcome")
                statuses.add(answer.status_code)
            accepted.append(await balanced(world))
        metrics = (await world.client.get("/metrics")).text
    assert statuses <= {200, 201, 400, 409, 422}
    assert accepted[-1] > accepted[0] > 0
    assert 'form="hl7"' in metrics and "王某" not in metrics


async def test_1_500_damaged_messages_over_one_connection_of_mllp_are_answered_once_each(
    database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    chance, codes, accepted = Random(8), set[bytes](), list[int]()
    async with intake(database, sources=SOURCES) as world, mllp_line(world) as (reader, writer):
        for _ in range(BATCHES):
            for _ in range(300):
                # A frame's own marks within a message would make two messages of it.
                body = damaged(chance.choice(HL7), chance).replace(START, b"").replace(END[:1], b"")
                writer.write(START + body + END)
                codes.add((await acknowledged(reader)).split(b"\rMSA")[1][1:3])
            accepted.append(await balanced(world))
        writer.write_eof()
        assert await reader.read() == b""
    assert codes == {b"AA", b"AE", b"AR"}
    assert accepted[-1] > accepted[0] > 0
    assert "Traceback" not in "".join(capfd.readouterr())


def an_event(n: int, chance: Random) -> Sent:
    """Damaged in what it carries, in its envelope, or in its headers."""
    hl7, fhir = (
        damaged(chance.choice(HL7), chance),
        as_bytes(damaged_json(json.loads(chance.choice(FHIR_MESSAGES)), chance)),
    )
    value, headers = chance.choice(
        (
            binary(hl7, n, "application/hl7-v2"),
            binary(fhir, n, "application/fhir+json"),
            structured(hl7.decode("utf-8", "replace"), n, datacontenttype="application/hl7-v2"),
            structured(damaged_json(a_result(n), chance), n),
            structured(a_result(n), n),
            binary(as_bytes(a_result(n)), n),
        )
    )
    match chance.randrange(4):
        case 0:
            return damaged(value or b"", chance), headers
        case 1:
            return as_bytes(damaged_json(json.loads(structured(a_result(n), n)[0] or b""), chance)), headers
        case 2:
            return value, [(name, damaged(each, chance)) for name, each in headers if chance.randrange(4)]
        case _:
            return value, headers


async def test_2_000_damaged_events_of_another_cluster_are_each_admitted_or_set_aside(
    database: str, kafka: str, capfd: pytest.CaptureFixture[str]
) -> None:
    chance, accepted = Random(9), list[int]()
    async with topic(kafka), intake(database, sources=SOURCES) as world, reading(world, kafka):
        for batch in range(1, BATCHES + 1):
            await produce_quickly(kafka, [an_event(batch * 400 + n, chance) for n in range(400)])
            await until_read(world.pool, batch * 400)
            accepted.append(await balanced(world))
        ledger = (await world.ledger()).values()
    assert accepted[-1] > accepted[0] > 0
    assert sum(feed["rejected"] for feed in ledger) > 200
    assert "Traceback" not in "".join(capfd.readouterr())
