"""What health systems take back, through the door: one of a tube, a cancelled order, a state that was wrong."""

from __future__ import annotations

from contracts.events.testing import TubeResulted, TubeSampled
from tests.rules.hl7_messages import header, message, obr, obx, pid, spm
from tests.stores.intake_world import intake
from tests.stores.test_health_hl7 import SOURCES, ack_of


async def test_a_tube_told_patient_by_patient_keeps_each_of_them_and_loses_one_that_was_wrong(database: str) -> None:
    def told(n: int, state: str = "F", **head: str) -> bytes:
        return message(header(**head), pid(n), obr(f"L{n}"), obx("10828004^Positive^SCT", state=state), spm("TUBE-9"))

    later = {"id": "M9", "at": "20220305190000+0800"}
    bodies = [
        told(1),
        told(2, id="M2"),
        told(2, "D", **later),
        message(header(**later), pid(9), obr("L9"), obx(state="X")),
    ]
    async with intake(database, sources=SOURCES) as world:
        acks = [ack_of((await world.client.post("/hl7", content=body)).content) for body in bodies]
        facts = [event.data for event in await world.events()]
    filled = [fact for fact in facts if isinstance(fact, TubeSampled)]
    assert acks == ["AA"] * 4
    assert len({fact.members[0].person_id for fact in filled}) == 2
    assert [(fact.revision, fact.withdrawn) for fact in filled] == [(1, False), (1, False), (2, True)]
    assert [(type(fact), fact.withdrawn) for fact in facts if fact not in filled] == [(TubeResulted, False)]
