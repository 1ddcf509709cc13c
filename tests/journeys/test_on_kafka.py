"""The same path as four real processes on a real broker: the line list of Tianjin, 2020, then the sample outbreak."""

from __future__ import annotations

import asyncio
import csv
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.play.compare import differences, observe, read_truth
from deploy.play.player import play
from deploy.play.quiet import until_quiet
from deploy.play.stage import Stage
from tests.journeys.processes import processes
from tests.servers import address_of, any_kafka

CASES = Path(__file__).parents[3] / "shared" / "data" / "tianjin-2020" / "cases.csv"
SENT_AT = "2020-02-23T09:00:00+08:00"
EDITION_FROM = (("covid-ed1", "21/01/2020"), ("covid-ed2", "22/01/2020"), ("covid-ed3", "28/01/2020"),
                ("covid-ed4", "06/02/2020"), ("covid-ed5", "21/02/2020"))  # fmt: skip


def _day(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%d/%m/%Y %z")


def _edition(day: str) -> str:
    return [name for name, since in EDITION_FROM if _day(since) <= _day(day)][-1]


async def _gridward_send(stage: Stage, file: Path) -> str:
    command = [sys.executable, "-m", "services", "send", str(file), "--mapping", "tianjin-2020"]
    environment = {
        **os.environ,
        "GRIDWARD_INTAKE": stage.urls["intake"],
        "GRIDWARD_TOKEN": stage.token,
        "LANG": "C.UTF-8",
    }
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def _set_stage(client: Any, stage: Stage) -> None:
    told = {"feed": "stage", "source_id": "tianjin", "kind": "stage-time", "division_code": "12", "to_at": SENT_AT}
    answer = await client.post(f"{stage.urls['intake']}/records", json=told)
    assert answer.json()["verdict"] == "accepted"


async def _tianjin(stage: Stage) -> None:
    rows = list(csv.DictReader(CASES.read_text("utf-8-sig").splitlines()))
    days = Counter(row["confirm_date"] for row in rows)
    async with stage.client() as client:
        await _set_stage(client, stage)
        await until_quiet(client, stage.urls)
        first, again = [await _gridward_send(stage, CASES) for _ in range(2)]
        await until_quiet(client, stage.urls)
        assert ["accepted", "135"] in [line.split() for line in first.splitlines()]
        assert ["duplicate", "135"] in [line.split() for line in again.splitlines()]
        await _figures_are_those_of_the_file(client, stage, days)
        await _clocks_are_judged_by_the_edition_of_the_day(client, stage, days)


async def _figures_are_those_of_the_file(client: Any, stage: Stage, days: Counter[str]) -> None:
    url = f"{stage.urls['rollup']}/figures?division=12&indicator=cases-confirmed"
    table = (await client.get(f"{url}&children=true")).json()
    assert table["total"]["figures"] == table["own"]["figures"] == {"cases-confirmed": 135}
    assert not any(child["figures"] for child in table["children"])
    for day, cases in days.items():
        of_day = (await client.get(f"{url}&day={_day(day):%Y-%m-%d}")).json()
        assert of_day["total"]["figures"] == {"cases-confirmed": cases}, day


async def _clocks_are_judged_by_the_edition_of_the_day(client: Any, stage: Stage, days: Counter[str]) -> None:
    judged: Counter[tuple[str, str, str]] = Counter()
    for verdict in ("unlimited", "undecided", "kept", "late", "missed", "running"):
        clocks = (await client.get(f"{stage.urls['alerts']}/clocks?verdict={verdict}&limit=500")).json()
        reports = [clock for clock in clocks if clock["deadline"].startswith("report.")]
        judged.update((clock["edition"], clock["verdict"], clock["standing"]) for clock in reports)
    cases: Counter[str] = Counter()
    for day, number in days.items():
        cases[_edition(day)] += number
    assert judged == {
        ("covid-ed1", "unlimited", "blank"): cases["covid-ed1"],
        ("covid-ed2", "undecided", "in_force"): cases["covid-ed2"],
        ("covid-ed3", "undecided", "in_force"): cases["covid-ed3"],
        ("covid-ed4", "undecided", "provisional"): cases["covid-ed4"],
        ("covid-ed5", "undecided", "provisional"): cases["covid-ed5"],
    }


@pytest.mark.skipif(not CASES.exists(), reason="the line list stands beside the project in CI only")
async def test_the_first_135_cases_of_tianjin_go_through_the_door(database: str, tmp_path: Path) -> None:
    async with any_kafka() as broker, processes(address_of(broker), database, tmp_path) as stage:
        await _tianjin(stage)


async def test_the_path_on_real_processes_ends_in_the_truth(database: str, tmp_path: Path, sample: Path) -> None:
    async with any_kafka() as broker, processes(address_of(broker), database, tmp_path) as stage:
        played = await play(stage, sample, lambda step, sent: None)
        truth = read_truth(sample)
        observed = await observe(stage, played, truth)
    assert differences(truth, observed) == []
    assert truth["records"] == played.sent
