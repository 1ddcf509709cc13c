"""HL7 v2 through the door: an ACK after the commit, by HTTP and by MLLP over a real socket."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hl7
import pytest

from contracts.events.cases import CaseClassified, CaseFound
from contracts.events.testing import TestResulted, TubeResulted, TubeSampled
from services.intake.health.hl7 import mllp
from services.intake.health.hl7.frames import END, START
from tests.rules.hl7_messages import a_number, an_adt, an_oru, header, message, obr, obx, pid, spm
from tests.stores.intake_world import World, intake
from tests.stores.served_world import acknowledged, mllp_line

SOURCES = str(Path(__file__).parents[1] / "sources")
POSITIVE = "260373001^Detected^SCT"


async def send(world: World, body: bytes, **headers: str) -> tuple[int, hl7.Message]:
    """By HTTP; the status, and the ACK as a reader that is not ours sees it."""
    answer = await world.client.post("/hl7", content=body, headers=headers)
    return answer.status_code, hl7.parse(answer.content.decode())


def ack_of(raw: bytes) -> str:
    return str(hl7.parse(raw.decode("utf-8", "replace")).segment("MSA")[1])


async def test_a_result_is_accepted_once_corrected_and_withdrawn(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        acks = [
            await send(world, body)
            for body in (
                an_oru(),
                an_oru(),
                an_oru(id="M2", at="20220305190000+0800"),
                an_oru(POSITIVE, id="M3", at="20220306080000+0800"),
                an_oru(),
                message(header(id="M4", at="20220307080000+0800"), pid(), obr(), obx(state="D")),
            )
        ]
        facts = [event.data for event in await world.events()]
        ledger = await world.ledger()
    assert [(status, str(ack.segment("MSA")[1])) for status, ack in acks] == [(200, "AA")] * 6
    assert [(fact.revision, str(getattr(fact, "result", "")), fact.withdrawn) for fact in facts] == [
        (1, "negative", False),
        (2, "positive", False),
        (3, "positive", True),
    ]
    assert all(isinstance(fact, TestResulted) for fact in facts)
    assert ledger["jiashan-lab"] == {"received": 6, "accepted": 3, "duplicate": 3, "rejected": 0, "pending": 0}


async def test_corrections_that_come_in_the_wrong_order_end_in_the_latest(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        await send(world, an_oru(POSITIVE, id="M3", at="20220306080000+0800"))
        await send(world, an_oru(id="M1"))
        [fact] = [event.data for event in await world.events()]
    assert fact.result == "positive"


async def test_what_is_wrong_is_answered_with_its_place_and_waits_to_be_mended(database: str) -> None:
    wrong = message(header(), pid(), obr(), obx("大致正常", type="ST"))
    async with intake(database, sources=SOURCES) as world:
        status, ack = await send(world, wrong)
        assert (status, str(ack.segment("MSA")[1]), str(ack.segment("MSA")[2])) == (422, "AE", "M1")
        assert str(ack.segment("ERR")[2]) == "OBX^1^5"
        assert str(ack.segment("ERR")[3]) == "103^Table value not found^HL70357"
        assert "结果用语不在代码表中" in str(ack.segment("ERR")[8])
        _, english = await send(world, wrong, **{"accept-language": "en"})
        assert "code list" in str(english.segment("ERR")[8])
        _, old = await send(world, message(header(version="2.3"), pid(), obr(), obx("大致正常", type="ST")))
        assert str(old.segment("ERR")[1]) == "OBX^1^5^103&Table value not found&HL70357"
        [row] = [json.loads(line) for line in (await world.client.get("/rejects")).text.splitlines()]
        assert row["result"] == "大致正常"
        assert await world.words({**row, "result": "negative"}) == ["accepted"]
        assert (await world.client.get("/rejects")).text == ""
        assert (await send(world, an_oru("10828004^Positive^SCT", at="20220306")))[0] == 200
    assert (await _counts(database)) == {"received": 5, "accepted": 2, "duplicate": 0, "rejected": 3, "pending": 0}


async def _counts(database: str) -> dict[str, int]:
    async with intake(database) as world:
        return (await world.ledger())["jiashan-lab"]


async def test_a_message_that_is_not_taken_is_kept_whole_and_can_be_sent_again_as_it_comes_back(database: str) -> None:
    unknown = an_oru(app="LIS-NEW")
    async with intake(database, sources=SOURCES) as world:
        status, ack = await send(world, unknown)
        assert (status, str(ack.segment("MSA")[1])) == (400, "AR")
        assert str(ack.segment("ERR")[3]).startswith("204")
        [row] = [json.loads(line) for line in (await world.client.get("/rejects")).text.splitlines()]
        assert row["unreadable"] == unknown.decode().strip()
        mended = json.dumps({**row, "unreadable": row["unreadable"].replace("LIS-NEW", "LIS")}).encode()
        again = await world.client.post("/hl7", content=mended, headers={"content-type": "application/x-ndjson"})
        assert ack_of(again.content) == "AA"
        for body in (
            b"rubbish",
            b"\xff\xfe\x00",
            b"MSH|^~\\&|",
            an_oru(version="3.0"),
            b"MSH|^~\\&|\xff" + b"x" * 300_000,
        ):
            answer = await world.client.post("/hl7", content=body)
            assert (answer.status_code, ack_of(answer.content)) == (400, "AR")
        ledger = await world.ledger()
    assert ledger["unreadable"]["received"] == ledger["unreadable"]["rejected"] == 5
    assert all(each["pending"] == 0 for each in ledger.values())


async def test_a_message_that_could_not_be_taken_is_let_go_of_when_it_comes_mended(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        assert (await send(world, an_oru(version="2.9")))[0] == 400
        assert len((await world.client.get("/rejects")).text.splitlines()) == 1
        assert (await send(world, an_oru()))[0] == 200
        assert (await world.client.get("/rejects")).text == ""


async def test_a_key_says_who_sends_and_what_it_may_record(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:

        async def with_key(
            feed: str, body: bytes, *divisions: str, kinds: tuple[str, ...] = ("test",)
        ) -> tuple[int, hl7.Message]:
            asked = {"feed": feed, "divisions": divisions or ["3304"], "kinds": kinds}
            key = (await world.client.post("/keys", json=asked)).json()["key"]
            return await send(world, body, **{"x-api-key": key})

        assert (await with_key("jiashan-lab", an_oru(app="any")))[0] == 200
        assert (await with_key("another-lab", an_oru(order="L2")))[0] == 200
        for elsewhere in (
            await with_key("jiashan-lab", an_oru(order="L3"), "3301"),
            await with_key("jiashan-lab", an_oru(order="L3"), kinds=("visit",)),
        ):
            assert (elsewhere[0], str(elsewhere[1].segment("MSA")[1])) == (400, "AR")
        feeds = await world.ledger()
    assert feeds.keys() == {"jiashan-lab", "another-lab"}


async def test_a_batch_is_answered_message_by_message(database: str) -> None:
    body = b"BHS|^~\\&|LIS\r" + an_oru(order="L1") + an_oru(order="L2", kind="ORM^O01") + an_oru(order="L1")
    async with intake(database, sources=SOURCES) as world:
        answer = await world.client.post("/hl7", content=body)
    codes = [ack_of(part.encode()) for part in re.split(r"(?<=\r)(?=MSH\|)", answer.content.decode())]
    assert (answer.status_code, codes) == (200, ["AA", "AR", "AA"])


async def test_a_tube_and_its_people_and_an_admission_are_said_as_events(database: str) -> None:
    groups = [(pid(n), obr(f"L{n}"), obx("10828004^Positive^SCT"), spm("TUBE-9")) for n in (1, 2, 3)]
    async with intake(database, sources=SOURCES) as world:
        await send(world, message(header(), *(segment for group in groups for segment in group)))
        await send(world, an_adt(type="W", n=1))
        await send(world, an_adt("A08", n=1, sent="20220306090000"))
        facts = [event.data for event in await world.events()]
        stranger = await send(world, an_adt("A08", diagnosis="", n=9))
        known = await send(world, an_adt("A08", diagnosis="", n=1, name="汪^某1", sent="20220307"))
        persons = await world.pool.fetchval("select count(*) from vault_persons")
    assert [type(fact) for fact in facts] == [*[TubeSampled] * 3, TubeResulted, *[CaseFound, CaseClassified] * 2]
    assert [fact.classification for fact in facts if isinstance(fact, CaseFound)] == ["suspected", "confirmed"]
    assert len({fact.person_id for fact in facts if isinstance(fact, CaseFound)}) == 1
    assert ("故不留存" in str(stranger[1]), str(known[1].segment("MSA")[1]), persons) == (True, "AA", 3)


async def test_mllp_answers_each_message_however_the_bytes_arrive(database: str) -> None:
    frames = [START + an_oru(order=f"L{n}", id=f"M{n}", n=n) + END for n in range(1, 5)]
    async with intake(database, sources=SOURCES) as world, mllp_line(world) as (reader, writer):
        writer.write(b"\r\nnoise" + frames[0] + b"\n" + frames[1] + frames[2][:100])
        acks = [await acknowledged(reader), await acknowledged(reader)]
        for place in range(100, len(frames[2])):
            writer.write(frames[2][place : place + 1])
        acks.append(await acknowledged(reader))
        writer.write(frames[3][:-2])  # no end: the next one begins
        writer.write(frames[0])
        acks += [await acknowledged(reader), await acknowledged(reader)]
        received = await world.ledger()
    assert [ack_of(ack) for ack in acks] == ["AA", "AA", "AA", "AR", "AA"]
    assert [str(hl7.parse(ack.decode()).segment("MSA")[2]) for ack in acks] == ["M1", "M2", "M3", "M4", "M1"]
    assert received["jiashan-lab"] == {"received": 5, "accepted": 3, "duplicate": 1, "rejected": 1, "pending": 0}


async def test_mllp_refuses_what_is_too_long_or_never_ended_and_goes_on(database: str) -> None:
    async with intake(database, sources=SOURCES) as world, mllp_line(world) as (reader, writer):
        writer.write(START + an_oru(id="LONG") + b"NTE|" + b"x" * 700_000 + END + START + an_oru() + END)
        too_long, good = await acknowledged(reader), await acknowledged(reader)
        writer.write(START + an_oru(order="L2", id="CUT")[:-30])
        writer.write_eof()
        cut = await acknowledged(reader)
        ledger = await world.ledger()
    assert [ack_of(ack) for ack in (too_long, good, cut)] == ["AR", "AA", "AR"]
    assert [str(hl7.parse(ack.decode()).segment("MSA")[2]) for ack in (too_long, cut)] == ["LONG", "CUT"]
    assert sum(each["rejected"] for each in ledger.values()) == 2


async def test_mllp_waits_for_no_slow_sender_and_takes_none_from_elsewhere(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mllp, "SLOWEST", 0.1)
    for name in ("jiashan-lab", "jiashan-hospital"):
        text = (Path(SOURCES) / f"{name}.toml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.toml").write_text(text.replace("127.0.0.1/32", "10.9.8.0/24"), encoding="utf-8")
    async with intake(database, sources=SOURCES) as world:
        async with mllp_line(world) as (reader, writer):
            writer.write(START + b"MSH|^~")
            assert await reader.read() == b""
        async with mllp_line(world, sources=str(tmp_path)) as (reader, writer):
            assert await reader.read() == b""
        assert await world.ledger() == {}


async def test_nothing_of_a_patient_is_outside_the_vault(database: str, capfd: pytest.CaptureFixture[str]) -> None:
    async with intake(database, sources=SOURCES) as world:
        await send(world, an_oru(POSITIVE))
        await send(world, an_adt())
        await send(world, message(header(), pid(), obr(), obx("\\Q\\王某1", type="ST")))
        said = b"".join(row[0] for row in await world.pool.fetch("select record from outbox")).decode()
        kept = str(await world.pool.fetch("select * from records")) + str(
            await world.pool.fetch("select * from ledger")
        )
        metrics = (await world.client.get("/metrics")).text
    logged = "".join(capfd.readouterr())
    for secret in ("王某", a_number(1), "13812340001", "人民路", "MR0001"):
        assert not any(secret in text for text in (said, kept, metrics, logged)), secret


async def test_a_registration_is_taken_as_an_admission_and_only_once(database: str) -> None:
    async with intake(database, sources=SOURCES) as world:
        answers = [await send(world, an_adt("A04", id="R1")), await send(world, an_adt("A01", id="R2"))]
        facts = [event.data for event in await world.events()]
        ledger = (await world.ledger())["jiashan-hospital"]
    assert [(status, str(ack.segment("MSA")[1])) for status, ack in answers] == [(200, "AA")] * 2
    assert [type(fact) for fact in facts] == [CaseFound, CaseClassified]
    assert (ledger["accepted"], ledger["duplicate"]) == (1, 1)


async def test_times_without_a_zone_are_those_of_the_source_and_days_are_those_of_shanghai(
    database: str, tmp_path: Path
) -> None:
    """A laboratory whose clocks show Urumqi's time: two hours behind."""
    text = (Path(SOURCES) / "jiashan-lab.toml").read_text(encoding="utf-8")
    (tmp_path / "lab.toml").write_text(text.replace("\n\n[hl7]", '\nzone = "Asia/Urumqi"\n\n[hl7]'), encoding="utf-8")
    body = message(header(at="20220305233000"), pid(), obr(sampled="202203052230", resulted="202203052300"), obx(at=""))
    async with intake(database, sources=str(tmp_path)) as world:
        assert (await send(world, body))[0] == 200
        [event] = await world.events()
    assert isinstance(event.data, TestResulted)
    assert event.data.resulted_at.isoformat() == "2022-03-06T01:00:00+08:00"
    assert event.data.sampled_at.isoformat() == "2022-03-06T00:30:00+08:00"
