"""Spreadsheets to records: days, words, numbers, columns; and what is wrong with a row or a mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.mapping import MappingError, RowError, Sheet, SheetMapping, load_mapping

TIANJIN = {"case_id": "TJ1", "gender": "F", "age": "59", "symptom_onset": "14/01/2020", "confirm_date": "21/01/2020"}
VISITS = {"feed": "f", "kind": "visit", "columns": {"temperature_celsius": "t", "person_ref": "ref"}}


def test_a_row_of_the_tianjin_list_is_a_case_found_and_reported_on_a_day() -> None:
    record = load_mapping("tianjin-2020").record_of(TIANJIN)
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
    }


@pytest.mark.parametrize("nothing", ["NA", "", " NA "])
def test_an_onset_that_is_not_available_is_left_out(nothing: str) -> None:
    assert "onset_at" not in load_mapping("tianjin-2020").record_of(TIANJIN | {"symptom_onset": nothing})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"confirm_date": "31/02/2020"}, "confirm_date"),
        ({"confirm_date": "2020-02-01"}, "%d/%m/%Y"),
        ({"gender": "unknown"}, "gender: the word is not one of F, M"),
    ],
)
def test_a_wrong_cell_is_told_by_its_column_without_its_value(change: dict[str, str], words: str) -> None:
    with pytest.raises(RowError, match=words) as error:
        load_mapping("tianjin-2020").record_of(TIANJIN | change)
    assert next(iter(change.values())) not in str(error.value)


def test_numbers_become_numbers_where_the_record_wants_them() -> None:
    visits = SheetMapping.model_validate(VISITS)
    assert visits.record_of({"t": "36.5", "ref": "17"}) == {
        "feed": "f",
        "kind": "visit",
        "temperature_celsius": 36.5,
        "person_ref": "17",
    }
    with pytest.raises(RowError, match="column t"):
        visits.record_of({"t": "warm"})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_a_sheet_is_read_with_blanks_in_its_header_and_commas_in_its_cells(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text('t ,ref,备注\n36.5,a,"咳嗽, 头晕"\n\n,b\n', encoding=encoding)
    mapping = SheetMapping.model_validate(VISITS)
    sheet = Sheet(path, mapping)
    assert [row for _, row in sheet] == [{"t": "36.5", "ref": "a", "备注": "咳嗽, 头晕"}, {"t": "", "ref": "b"}]
    assert sheet.unsent(mapping) == {"备注": 1}


def test_a_sheet_without_a_mapped_column_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("t,name\n36.5,a\n")
    with pytest.raises(MappingError, match="no column ref"):
        Sheet(path, SheetMapping.model_validate(VISITS))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feed = 3", "feed"),
        ("feed = ", "no TOML"),
        ('feed = "f"\nkind = "k"\n[columns]\n', "no kind"),
        ("colour = 1", "colour"),
    ],
)
def test_a_wrong_mapping_is_told_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(MappingError, match=words):
        load_mapping(str(path))


def test_an_unknown_mapping_names_those_that_are_shipped() -> None:
    with pytest.raises(MappingError, match="tianjin-2020"):
        load_mapping("tianjin")
