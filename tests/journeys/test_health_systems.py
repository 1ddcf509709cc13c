"""A laboratory's result by MLLP and a hospital's admission end as figures of the county and an episode in tracing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from contracts.events.cases import Classification
from contracts.events.quarantine import EpisodeChanged
from deploy.play.quiet import until_quiet
from services.chassis.settings import Settings
from services.intake.door import door_of
from services.intake.health.hl7.frames import END, START
from services.intake.health.hl7.mllp import mllp_listener
from services.intake.health.sources import load_sources
from tests.journeys.town import Town, town
from tests.rules.hl7_messages import an_adt, an_oru

SOURCES = str(Path(__file__).parents[1] / "sources")
COUNTY, PROVINCE = "330421", "33"
NOW = {"feed": "stage", "source_id": "now", "kind": "stage-time", "to_at": "2022-03-05T20:00:00+08:00"}


async def speak(stage: Town, *messages: bytes) -> list[bytes]:
    """The answers to messages sent over one connection."""
    app = stage.courier.apps["intake"]
    settings = Settings(**{**app.settings.model_dump(), "mllp_port": 0, "sources": SOURCES})
    async with mllp_listener(door_of(app), load_sources(SOURCES), settings) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = []
        for message in messages:
            writer.write(START + message + END)
            answers.append(await reader.readuntil(END))
        writer.close()
    return answers


async def figures(stage: Town, division: str) -> dict[str, int]:
    async with stage.client() as client:
        await until_quiet(client, stage.urls)
        asked = {"division": division, "indicator": ["tests-done", "tests-positive", "cases-confirmed"]}
        answer = (await client.get(f"{stage.urls['rollup']}/figures", params=asked)).raise_for_status().json()
    return dict(answer["total"]["figures"])


async def test_a_laboratory_s_and_a_hospital_s_messages_become_figures_and_an_episode(database: str) -> None:
    positive = "260373001^Detected^SCT"
    async with town(database) as stage:
        async with stage.client() as client:
            await client.post(f"{stage.urls['intake']}/records", json=NOW)
        answers = await speak(
            stage,
            an_oru(positive, order="L1", n=1),
            an_oru(order="L2", n=2),
            an_oru(positive, order="L3", n=3),
            an_adt(n=1, ids=""),
            an_adt(n=1),
            an_oru(order="L3", n=3, id="M9", at="20220305190000+0800"),
        )
        assert [b"|AE|" in answer for answer in answers] == [False, False, False, True, False, False]
        found = [await figures(stage, division) for division in (COUNTY, PROVINCE)]
        episodes = [event.data for event in stage.courier.log if isinstance(event.data, EpisodeChanged)]
        dead = [await app.pool.fetchval("select count(*) from dead_letters") for app in stage.courier.apps.values()]
    assert found[0] == found[1] == {"tests-done": 3, "tests-positive": 1, "cases-confirmed": 1}
    assert [each.classification for each in episodes][-1] is Classification.CONFIRMED
    assert len({each.person_id for each in episodes}) == 1
    assert dead == [0, 0, 0, 0]
