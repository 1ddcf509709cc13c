"""The line list of Tianjin, 2020, by its mapping: what is counted here from the raw file is what becomes of it."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services.intake.reading import read
from services.intake.sender import Sender
from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import load_shipped
from services.intake.sheets.rows import SheetRead, read_sheet
from tests.stores.sheets import text_sheet

CASES = Path(__file__).parents[3] / "shared" / "data" / "tianjin-2020" / "cases.csv"
TIANJIN = load_shipped("tianjin-2020")
HEADER = [
    "case_id",
    "gender ",
    "age",
    "symptom_onset",
    "confirm_date",
    "Infection_source",
    "start_source",
    "end_source",
]
beside = pytest.mark.skipif(not CASES.exists(), reason="the line list stands beside the project in CI only")


def records(sheet: SheetRead) -> list[dict[str, Any]]:
    return [json.loads(line) for unit in sheet.units for line in unit.lines]


def of(*rows: list[str]) -> SheetRead:
    return read_sheet(read_file(text_sheet([HEADER, *rows])), TIANJIN)


def test_a_row_is_a_case_found_and_reported_on_a_day() -> None:
    (record,) = records(of(["TJ1", "F", "59", "14/01/2020", "21/01/2020", "Wuhan", "", "NA"]))
    assert record == {
        "feed": "tianjin-2020",
        "kind": "case-finding",
        "division_code": "12",
        "classification": "confirmed",
        "found_how": "line_list",
        "institution": "tianjin-health-commission",
        "precision": "day",
        "source_id": "TJ1",
        "person_ref": "TJ1",
        "person": {"sex": "F"},
        "found_at": "2020-01-21T00:00:00+08:00",
        "reported_at": "2020-01-21T00:00:00+08:00",
        "onset_at": "2020-01-14T00:00:00+08:00",
        "infection_source": "source_area",
    }


def test_a_link_has_the_span_that_the_list_gives_and_no_direction() -> None:
    rows = [["TJ2", "M", "", "", "02/02/2020", "Wuhan", "", ""],
            ["TJ3", "M", "", "", "03/02/2020", "wife of TJ2", "20/01/2020", "25/01/2020"],
            ["TJ4", "F", "", "", "03/02/2020", "coworkers of cases TJ2 TJ3", "", ""],
            ["TJ5", "F", "", "", "03/02/2020", "TJ9; JN25", "", ""]]  # fmt: skip
    sheet = of(*rows)
    links = [each for each in records(sheet) if each["kind"] == "exposure"]
    assert [(each["person_ref"], each["other"]["person_ref"], each["way"]) for each in links] == [
        ("TJ3", "TJ2", "lived"), ("TJ4", "TJ2", "worked_or_studied"), ("TJ4", "TJ3", "worked_or_studied")]  # fmt: skip
    assert [each["first_at"][:10] for each in links] == ["2020-01-20", "2020-02-03", "2020-02-03"]
    assert [each["last_at"][:10] for each in links] == ["2020-01-25", "2020-02-03", "2020-02-03"]
    assert [(each.row + 1, each.words) for each in sheet.unread] == [(5, "TJ9; JN25")]


@beside
def test_the_whole_list_becomes_its_cases_links_places_and_a_list_of_what_is_left() -> None:
    rows = list(csv.DictReader(CASES.read_text("utf-8-sig").splitlines()))
    ids = {row["case_id"] for row in rows}
    named = {
        row["case_id"]: [each for each in re.findall(r"TJ\d+", row["Infection_source"]) if each in ids] for row in rows
    }
    mall = {row["case_id"] for row in rows if re.search(r"\bmall\b", row["Infection_source"])}
    counted = (len(rows), sum(map(bool, named.values())), sum(map(len, named.values())), len(mall))
    assert counted == (135, 66, 91, 26)

    sheet = read_sheet(read_file(CASES.read_bytes()), TIANJIN)
    found = records(sheet)
    assert Counter(each["kind"] for each in found) == {"case-finding": 135, "exposure": 91, "place-exposure": 26}
    links = Counter((each["person_ref"], each["other"]["person_ref"]) for each in found if each["kind"] == "exposure")
    assert links == Counter((case, other) for case, others in named.items() for other in others)
    assert {each["person_ref"] for each in found if each["kind"] == "place-exposure"} == mall
    assert not any(unit.problems for unit in sheet.units)
    assert all(not read(line, Sender("anybody", ("",))).problems for unit in sheet.units for line in unit.lines)


@beside
def test_words_of_the_list_that_name_nothing_known_are_listed_each_with_its_row() -> None:
    unread = read_sheet(read_file(CASES.read_bytes()), TIANJIN).unread
    left = {each.row: each.words for each in unread if each.column == "Infection_source"}
    expected = {
        27: "coworker of a person from wuhan",
        37: "business partner",
        39: "confirmed patient",
        59: "Wuhan, TJ14 and JN25",
        82: "living in the mall proximity",
        120: "sister of case 109",
        121: "husband of case 119",
    }
    assert {row: left[row] for row in expected} == expected
    understood = {1, 11, 50, 70, 83, 100, 130}  # Wuhan, a family, the mall, unknown, coworkers there, unknown, contacts
    assert not understood & left.keys()
    assert len(left) == 24
