"""Some senders speak HL7 v2, FHIR, CloudEvents or by sheets: the story stays the same, each form is really there."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import hl7
import pytest
from python_calamine import CalamineWorkbook

from deploy.sample.forms.carrying import FORMS, SOURCES
from deploy.sample.forms.hl7 import END, START
from deploy.sample.generate import generate
from deploy.sample.steps import HOUR
from services.intake.health.hl7.message import read_message
from services.intake.health.hl7.reading import source_of, translate
from services.intake.health.items import Item
from services.intake.health.sources import load_sources

SCALE, SEED = 0.01, 7


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """The folder of a sample in forms, its truth, and the truth of the same sample as records."""
    folder, plain = tmp_path_factory.mktemp("forms"), tmp_path_factory.mktemp("plain")
    return folder, generate(folder, SCALE, SEED), generate(plain, SCALE, SEED, in_forms=False)


def parcels(folder: Path, feed: str) -> list[bytes]:
    found = [file.read_bytes() for file in sorted((folder / "feeds").glob(f"*-{feed}{FORMS[feed].suffix}"))]
    assert found, feed
    return found


def test_the_truth_is_the_same_but_for_who_sends(told: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    _, forms, plain = told
    assert forms.keys() == plain.keys()
    assert [key for key in forms if forms[key] != plain[key]] == ["ledger"]
    sums = [Counter[str](), Counter[str]()]
    for truth, total in zip((forms, plain), sums, strict=True):
        for row in truth["ledger"].values():
            total.update(row)
    assert sums[0] == sums[1]
    assert set(FORMS) <= set(forms["ledger"])
    assert all(forms["ledger"][feed]["received"] for feed in FORMS)


def test_each_message_of_hl7_is_read_by_another_s_library(told: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    folder, truth, _ = told
    frames = b"".join(parcels(folder, "lis-haiyan")).split(END)[:-1]
    assert len(frames) == truth["ledger"]["lis-haiyan"]["received"]
    read = [hl7.parse(frame.removeprefix(START).decode()) for frame in frames]
    assert {str(each["MSH.F9.R1.C1"]) for each in read} == {"ORU"}
    plain = b"".join(parcels(folder, "lis-nanhu")).count(b"MSH|^~\\&|LIS|NHLAB|")
    assert plain == truth["ledger"]["lis-nanhu"]["received"]


def test_a_message_says_what_the_record_says_the_grid_too(told: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    folder, _, _ = told
    sources = load_sources(str(SOURCES))
    frames = b"".join(parcels(folder, "lis-haiyan")).split(END)[:-1]
    for frame in frames:
        message = read_message(frame.removeprefix(START), "utf-8")
        [item] = translate(message, source_of(message, sources, None))
        assert isinstance(item, Item) and not item.problems
        assert len(item.record["division_code"]) == 15 and item.record["division_code"].startswith("330424")
        sampled, resulted = (datetime.fromisoformat(item.record[name]) for name in ("sampled_at", "resulted_at"))
        assert sampled < resulted < datetime.fromisoformat(item.record["revised_at"]) + HOUR


def test_bundles_events_and_sheets_hold_what_was_sent(told: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    folder, truth, _ = told
    bundles = [json.loads(body) for body in parcels(folder, "his-jiaxing")]
    assert sum(len(each["entry"]) for each in bundles) == truth["ledger"]["his-jiaxing"]["received"]
    events = [json.loads(line) for body in parcels(folder, "platform-jiashan") for line in body.splitlines()]
    assert len(events) == truth["ledger"]["platform-jiashan"]["received"]
    assert {each["specversion"] for each in events} == {"1.0"}
    sheets = [
        CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0)
        for body in parcels(folder, "sheet-household-register")
    ]
    homes = [row[1] for sheet in sheets for row in sheet.to_python()[2:] if row[1]]
    assert len(homes) == len(set(homes)) == truth["ledger"]["sheet-household-register"]["received"]


def test_intake_knows_each_sender_of_the_health_system_by_its_file() -> None:
    sources = load_sources(str(SOURCES))
    health = {feed for feed in FORMS if feed.startswith(("lis-", "his-", "platform-"))}
    assert {each.feed for each in sources.all} == health


def test_what_the_worker_is_owed_is_counted_from_the_records(told: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    """Of two doors one was met, but for somebody who is away; at the other nobody opened."""
    folder, truth, _ = told
    grid = truth["worker"]["division_code"]
    taps = [json.loads(line) for body in parcels(folder, "worker-page") for line in body.splitlines()]
    assert [tap["kind"] for tap in taps] == ["presence", "household-visit", "canvass-attempt"]
    homes = {
        record["dwelling"]["ref"]
        for file in (folder / "feeds").glob(f"*-grid-{grid[:6]}.ndjson")
        for record in map(json.loads, file.read_text("utf-8").splitlines())
        if record["kind"] == "household-visit" and record.get("division_code") == grid
    }
    assert homes == {tap["dwelling"]["ref"] for tap in taps if "dwelling" in tap}
    assert truth["worker"]["today"] == {"household": 1, "lead": 1, "need": 0}
