"""A spreadsheet through the door: each row its verdict, rejected rows back in their own form, the books balanced."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import shipped
from services.intake.sheets.table import Cell
from tests.stores.intake_world import VILLAGE, World, a_number, intake
from tests.stores.sheets import TESTS, a_test_row, text_sheet, with_part, workbook

CASES = Path(__file__).parents[3] / "shared" / "data" / "tianjin-2020" / "cases.csv"


class Answer:
    """The lines of an answer to a sheet: what is not sent, the rows, the summary, the file."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.about, self.rows, self.last = lines[0], lines[1:-1], lines[-1]
        self.summary: dict[str, int] = self.last.get("summary", {})
        file = self.last.get("rejected_file")
        self.name, self.file = (file["name"], base64.b64decode(file["base64"])) if file else ("", b"")

    @property
    def words(self) -> dict[str, int]:
        """Rows by verdict."""
        return dict(Counter(row["verdict"] for row in self.rows))


async def upload(
    world: World, body: bytes, mapping: str = "single-tests", language: str = "zh", **query: Any
) -> Answer:
    headers = {"accept-language": language}
    answer = await world.client.post("/sheets", params={"mapping": mapping, **query}, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    sent = Answer([json.loads(line) for line in answer.text.splitlines()])
    assert sent.summary["rows"] == sum(sent.words.values()) == sum(sent.summary[word] for word in VERDICTS)
    return sent


VERDICTS = ("accepted", "duplicate", "rejected")


async def balanced(world: World, feed: str = "sheet-single-tests") -> dict[str, int]:
    ledger = (await world.ledger())[feed]
    assert ledger["received"] == sum(ledger[word] for word in VERDICTS) and ledger["pending"] == 0
    return ledger


@pytest.mark.parametrize("form", ["xlsx", "gb18030,", "utf-8-sig;", "utf-16\t"])
async def test_nine_rows_are_taken_and_the_bad_one_comes_back_to_be_mended_and_sent_again(
    database: str, form: str
) -> None:
    def body(rows: list[list[Cell]]) -> bytes:
        return workbook(rows) if form == "xlsx" else text_sheet(rows, form[:-1], form[-1])

    rows = [TESTS, *(a_test_row(n, 检测结果="不详" if n == 7 else "阴性") for n in range(10))]
    async with intake(database) as world:
        sent = await upload(world, body(rows), file="三月.xlsx")
        assert sent.words == {"accepted": 9, "rejected": 1}
        (bad,) = [row for row in sent.rows if row["verdict"] == "rejected"]
        assert bad["row"] == 9 and bad["errors"][0]["field"] == "检测结果"
        assert bad["errors"][0]["why"] == "取值不在列表中" and "阴性" in bad["errors"][0]["would_be_right"]

        assert sent.name == f"三月.rejected.{'xlsx' if form == 'xlsx' else 'tsv' if form[-1] == chr(9) else 'csv'}"
        back = next(table for table in read_file(sent.file) if len(table.rows[0]) > 5)
        assert back.form == next(table for table in read_file(body(rows)) if len(table.rows[0]) > 5).form
        assert back.rows[0] == [*TESTS, "rejected_because"] and back.rows[1][0] == "SL-7"
        assert back.rows[1][8] == "检测结果: 取值不在列表中 -> 下列之一：阴性, 阴性(-), 阳性, 阳性(+), 可疑, 灰区"
        mended = [[*back.rows[0]], [*back.rows[1][:6], "阳性", *back.rows[1][7:]]]
        assert (await upload(world, body(mended))).words == {"accepted": 1}

        rows[8] = mended[1][:8]
        again = await upload(world, body(rows))
        assert again.words == {"duplicate": 10} and again.file == b""
        assert await world.pool.fetchval("select count(*) from records") == 10
        assert await balanced(world) == {"received": 21, "accepted": 10, "duplicate": 10, "rejected": 1, "pending": 0}


async def test_rows_that_can_be_no_record_are_counted_and_kept_like_all_that_is_rejected(database: str) -> None:
    rows = [TESTS, a_test_row(1, 身份证号=3.30499199001010e17), a_test_row(2, 采样时间="2022/2/31")]
    async with intake(database) as world:
        sent = await upload(world, workbook(rows, formulas={"G2": ('="阴"&"性"', "阴性")}), language="en")
        assert sent.words == {"rejected": 2}
        reasons = [error["why"] for row in sent.rows for error in row["errors"]]
        assert any("lost its last digits" in why for why in reasons) and any("no such day" in why for why in reasons)
        assert any("formula" in why for why in reasons)
        assert (await balanced(world))["rejected"] == 2
        kept = (await world.client.get("/rejects?feed=sheet-single-tests")).text.splitlines()
        assert [json.loads(line)["sheet_row"] for line in kept] == [2, 3]
        assert await world.pool.fetchval("select count(*) from records") == 0


async def test_a_wrong_number_is_told_at_its_row_and_column_and_a_household_is_taken_as_a_whole(database: str) -> None:
    header: list[Cell] = ["试管编号", "采样时间", "区划代码", "居住地区划代码", "姓名", "身份证号"]
    wrong = a_number(2)[:-1] + ("0" if a_number(2)[-1] != "0" else "1")
    numbers = [("T1", a_number(1)), ("T1", wrong), ("T2", a_number(3))]
    rows = [header, *([tube, "2022/3/5 9:00", VILLAGE, VILLAGE, "王某", number] for tube, number in numbers)]
    async with intake(database) as world:
        sent = await upload(world, workbook(rows), "pooled-tubes")
        assert [(row["row"], row["verdict"]) for row in sent.rows] == [
            (2, "rejected"),
            (3, "rejected"),
            (4, "accepted"),
        ]
        beside, told = sent.rows[0]["errors"][0], sent.rows[1]["errors"][0]
        assert told == {"field": "身份证号", "why": "号码校验位不符", "would_be_right": "请与证件逐位核对"}
        assert "第 3 行" not in beside["field"] and "3" in beside["why"]
        assert [row[0] for row in read_file(sent.file)[0].rows[1:]] == ["T1", "T1"]


async def test_what_of_a_file_is_not_sent_is_told_before_anything_else(database: str) -> None:
    rows = [[*TESTS, "车牌"], [*a_test_row(1, 备注="复检"), "浙F00000"]]
    async with intake(database) as world:
        sent = await upload(world, workbook(rows, more_sheets={"第二批": [["x"]]}))
    assert sent.about == {
        "rows": 1,
        "columns_not_sent": {"备注": 1, "车牌": 1},
        "sheets_not_read": ["第二批"],
        "unread": [],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "文件为空"),
        (text_sheet([TESTS]), "没有数据行"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "xls"),
        (text_sheet([["a", "b"], [1, 2]]), "找不到映射所需的列"),
        (b"PK\x03\x04" + bytes(100), "损坏"),
        (
            with_part(workbook([TESTS]), "xl/workbook.xml", lambda _: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
            "实体",
        ),
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused_whole_and_success_with_nothing_imported_is_impossible(
    database: str, body: bytes, words: str
) -> None:
    async with intake(database) as world:
        answer = await world.client.post(
            "/sheets?mapping=single-tests", content=body, headers={"accept-language": "zh"}
        )
        assert answer.status_code == 422 and words in answer.json()["detail"]
        assert await world.ledger() == {}


async def test_whoever_may_not_send_and_whatever_is_no_mapping_is_told_so(database: str) -> None:
    body = workbook([TESTS, a_test_row(1)])
    async with intake(database) as world, intake(database, division="3301") as elsewhere:
        assert (await world.client.post("/sheets?mapping=none", content=body)).status_code == 404
        assert (await world.client.post("/sheets?mapping=single-tests&year=1", content=body)).status_code == 422
        sent = await upload(elsewhere, body, language="en")
        assert "does not cover this division" in sent.rows[0]["errors"][0]["why"]
        world.client.headers.pop("authorization")
        assert (await world.client.post("/sheets?mapping=single-tests", content=body)).status_code == 401


async def test_an_api_key_sends_sheets_of_its_own_feed_only(database: str) -> None:
    scope = {"feed": "sheet-single-tests", "divisions": ["3304"], "kinds": ["test"]}
    async with intake(database) as world:
        key = (await world.client.post("/keys", json=scope)).json()["key"]
        world.client.headers = {"x-api-key": key}  # type: ignore[assignment]
        body = workbook([TESTS, a_test_row(1)])
        answer = await world.client.post("/sheets?mapping=single-tests", content=body)
        assert json.loads(answer.text.splitlines()[-1])["summary"]["accepted"] == 1
        other = workbook([["管码", "区划代码", "报告时间", "结果"], ["T1", VILLAGE, "2022/3/5", "阴性"]])
        refused = await world.client.post("/sheets?mapping=pooled-results", content=other)
        assert json.loads(refused.text.splitlines()[-1])["summary"]["rejected"] == 1


async def test_the_mappings_and_their_templates_are_there_for_everybody(database: str) -> None:
    async with intake(database) as world:
        world.client.headers.pop("authorization")
        listed = (await world.client.get("/mappings")).json()
        assert [each["name"] for each in listed] == shipped()
        for suffix in ("xlsx", "csv"):
            template = await world.client.get(f"/mappings/household-register/template.{suffix}")
            assert template.headers["content-disposition"] == f'attachment; filename="household-register.{suffix}"'
            assert "姓名" in read_file(template.content)[0].rows[1]
        assert (await world.client.get("/mappings/none/template.csv")).status_code == 404
        page = await world.client.get("/sheets")
        assert "text/html" in page.headers["content-type"] and "http" not in page.text


async def test_a_column_that_is_formatted_as_days_a_number_and_a_text_mean_the_same_day(database: str) -> None:
    rows = [TESTS, *(a_test_row(n, 采样时间=day) for n, day in enumerate((date(2022, 3, 5), 44625, "44625", "3.5")))]
    async with intake(database) as world:
        assert (await upload(world, workbook(rows), year=2022)).words == {"accepted": 4}
        assert {event.data.sampled_at.isoformat() for event in await world.events()} == {"2022-03-05T00:00:00+08:00"}


@pytest.mark.skipif(not CASES.exists(), reason="the line list stands beside the project in CI only")
async def test_the_line_list_of_tianjin_is_taken_once_with_its_links_and_places(database: str) -> None:
    async with intake(database) as world:
        assert (await upload(world, CASES.read_bytes(), "tianjin-2020")).words == {"accepted": 135}
        said = Counter(event.data.type for event in await world.events())
        assert (said["case-found"], said["exposure-named"], said["place-exposure-named"]) == (135, 91, 26)
        people = {event.data.person_id for event in await world.events()}
        assert len(people) == 135
        assert (await upload(world, CASES.read_bytes(), "tianjin-2020")).words == {"duplicate": 135}
        assert (await balanced(world, "tianjin-2020"))["accepted"] == 135 + 91 + 26
