"""Promise 9: whoever is planted wherever a sender may write lies afterwards sealed in the vault, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.play.quiet import until_quiet
from deploy.play.stage import Stage
from tests.faults.chaos.waiting import until
from tests.journeys.planted import (
    ADDRESSES,
    NEEDLES,
    PEOPLE,
    bundle,
    everything_logged,
    everything_on,
    everything_stored,
    found_in,
    message,
    poison,
    right,
    sheet,
    wrong,
)
from tests.journeys.processes import KEY, processes
from tests.journeys.town import ROLES
from tests.servers import address_of, any_kafka

SOURCES = Path(__file__).parents[1] / "sources"
NOW = {
    "feed": "stage",
    "source_id": "now",
    "kind": "stage-time",
    "division_code": "33",
    "to_at": "2022-03-06T09:00:00+08:00",
}
GRID_ROW = b"code,name\n330421001001001,one\n"


async def test_nobody_who_is_planted_is_found_on_the_bus_in_a_log_a_figure_or_another_schema(
    database: str, tmp_path: Path
) -> None:
    assert len(NEEDLES) > 300
    logs, control = tmp_path / "logs", tmp_path / "control"
    logs.mkdir()
    control.mkdir()
    settings = {"GRIDWARD_SOURCES": str(SOURCES), "GRIDWARD_LOG_LEVEL": "DEBUG"}
    async with any_kafka() as broker:
        kafka = address_of(broker)
        async with processes(kafka, database, logs, roles=ROLES | {"identity-reader"}, **settings) as stage:
            await _plant(stage)
            places = [*everything_logged(logs), *await everything_on(kafka), *await everything_stored(database)]
            places += await _told(stage)
            names = {where for where, _ in places}
            assert {
                "topic tests",
                "topic episodes",
                "intake.vault_rejects.sealed",
                "rollup.statements.statement",
            } <= names
            assert found_in(places) == []
            dead = await _dead_letters_of(stage, kafka, database, logs)
            assert len(dead) > len(poison()) and found_in(dead) == []
            # Controls: the same search finds what is there.
            await _control(kafka, control)
            assert found_in([*everything_logged(control), *await everything_on(kafka)]) == [
                "log leak",
                "topic tests",
                "topic time",
            ]


async def _plant(stage: Stage) -> None:
    intake = stage.urls["intake"]
    async with stage.client() as client:
        headers = {"content-type": "text/csv"}
        (await client.post(f"{intake}/grids", content=GRID_ROW, headers=headers)).raise_for_status()
        await _sent(client, intake, [json.dumps(NOW).encode()])
        told = await _sent(client, intake, [json.dumps(each, ensure_ascii=False).encode() for each in right()])
        assert told == {"accepted"}
        assert await _sent(client, intake, wrong()) == {"rejected"}
        acks = [await client.post(f"{intake}/hl7", content=body) for body in message()]
        assert [ack.status_code for ack in acks] == [200, 400]
        answer = await client.post(f"{intake}/fhir?feed=jiashan-hospital", content=bundle())
        outcomes = [entry["response"]["status"][:3] for entry in answer.raise_for_status().json()["entry"]]
        assert outcomes[1] == "201" and outcomes[3] == "422", outcomes
        named = {"mapping": "single-tests", "file": f"{PEOPLE[0]['name']}.csv"}
        answer = await client.post(f"{intake}/sheets", params=named, content=sheet())
        assert json.loads(answer.text.splitlines()[-1])["summary"]["rejected"] == 1, answer.text
        await until_quiet(client, stage.urls)
        asked = {"purpose": "looking for leaks", "id_numbers": [PEOPLE[0]["id_number"]], "phones": [PEOPLE[1]["phone"]]}
        found = (await client.post(f"{intake}/people/lookups", json=asked)).json()
        ids = [*found["id_numbers"].values(), *found["phones"].values()]
        opened = {"purpose": "care", "person_ids": [ids[0]]}
        told = (await client.post(f"{intake}/people/openings", json=opened)).text
        assert any(person["name"] in told for person in PEOPLE)
        for query in (PEOPLE[0]["name"], PEOPLE[1]["phone"], ADDRESSES[0]):
            asked = {"purpose": "care", "query": query}
            answer = await client.post(f"{intake}/people/searches", json=asked)
            told = answer.raise_for_status().json()
            assert told["people"] or told["dwellings"], query
        await client.get(f"{intake}/people/{PEOPLE[0]['name']}/record")
        await client.get(f"{intake}/ledger?feed={PEOPLE[0]['phone']}")


async def _dead_letters_of(stage: Stage, kafka: str, database: str, logs: Path) -> list[tuple[str, bytes]]:
    """What operators are shown of a stranger's records, and all that is logged and told while they are set aside."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for body in poison():
            await producer.send_and_wait("tests", body, PEOPLE[0]["phone"].encode(), 0, headers=[("ce_x", body)])
    environment = {**os.environ, "GRIDWARD_DATABASE": database, "GRIDWARD_TOKEN_KEY": KEY, "LANG": "C.UTF-8"}

    async def operator(*words: str) -> str:
        command = (sys.executable, "-m", "services", "deadletters", *words)
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=60)
        return (done.stdout + done.stderr).decode()

    async def all_set_aside() -> bool:
        async with stage.client() as client:
            books = [(await client.get(f"{stage.urls[name]}/books")).json() for name in ("tracing", "rollup")]
        return all(each["dead_letters"] == len(poison()) for each in books)

    await until(all_set_aside, "the stranger's records are set aside", 60)
    shown = [await operator("list")]
    for consumer in ("tracing", "rollup"):
        shown += [await operator("show", consumer, str(number)) for number in (1, 2)]
    assert all("tests" in each for each in shown), shown
    told = [(f"deadletters {n}", each.encode()) for n, each in enumerate(shown)]
    return [*told, *everything_logged(logs), *await _told(stage)]


async def _sent(client: Any, intake: str, lines: list[bytes]) -> set[str]:
    headers = {"content-type": "application/x-ndjson"}
    answer = await client.post(f"{intake}/records", content=b"\n".join(lines), headers=headers)
    return {json.loads(line)["verdict"] for line in answer.raise_for_status().text.splitlines()}


async def _told(stage: Stage) -> list[tuple[str, bytes]]:
    """What the services show: metrics and books of each, figures, inboxes, clocks, states."""
    paths = [(name, path) for name in stage.urls for path in ("/metrics", "/books", "/readyz")]
    paths += [
        ("rollup", "/figures?division=33&children=true"),
        ("alerts", "/inbox"),
        ("alerts", "/clocks"),
        ("tracing", "/states"),
    ]
    async with stage.client() as client:
        return [(f"{name}{path}", (await client.get(f"{stage.urls[name]}{path}")).content) for name, path in paths]


async def _control(kafka: str, directory: Path) -> None:
    (directory / "leak").write_text(f"refused: {PEOPLE[0]['phone']}")
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait("time", b"{}", headers=[("why", PEOPLE[0]["name"].encode("utf-16-le"))])
    finally:
        await producer.stop()
