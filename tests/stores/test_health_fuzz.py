"""Damaged messages through the door on a real PostgreSQL: answered, none lost, none doubled, the ledger balanced."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from tests.rules.fhir_messages import as_bytes
from tests.rules.mutations import damaged, damaged_json
from tests.rules.test_health_fuzz import FHIR as FHIR_MESSAGES
from tests.rules.test_health_fuzz import HL7
from tests.stores.intake_world import World, intake

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
