"""Divisions: the edition is whole, and in both trees a division is its children and what is recorded at itself."""

from __future__ import annotations

import csv
import lzma
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.divisions import (
    EDITIONS,
    LATEST,
    REPORTING,
    STATUTORY,
    BadRowsError,
    DivisionError,
    Divisions,
    Level,
    MalformedCodeError,
    Tree,
    UnknownDivisionError,
)

ZONE = "3304J1"
TAKEN = ("330402012", "330402014", "330411003", "330411004")
COUNTRY = Divisions.load()
WITH_GRIDS = COUNTRY.with_grids(
    {"code": f"{village}{number:03}", "name": f"grid {number}"}
    for township in (*TAKEN, "330402007", "340871001")
    for village in COUNTRY.children(township)
    for number in (1, 2)
)


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    """The file itself, read without the code under test."""
    with lzma.open(EDITIONS[LATEST], "rt", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def under(code: str, divisions: Divisions = COUNTRY, tree: Tree = STATUTORY) -> Iterator[str]:
    """Every division below `code`."""
    for child in divisions.children(code, tree):
        yield child
        yield from under(child, divisions, tree)


def counts(code: str, tree: Tree = STATUTORY) -> tuple[int, int, int]:
    of = Counter(COUNTRY.level(below) for below in under(code, tree=tree))
    return of[Level.COUNTY], of[Level.TOWNSHIP], of[Level.VILLAGE]


def test_every_row_of_the_edition_is_found_under_its_name_and_has_its_parent(rows: list[list[str]]) -> None:
    assert len(COUNTRY) == len(rows) == 665_276
    for code, name in rows[::7]:
        assert COUNTRY.name(code) == name
    known = {code for code, _ in rows}
    assert all(COUNTRY.parent(code, STATUTORY) in known for code in known if COUNTRY.level(code) > Level.PROVINCE)
    assert sum(COUNTRY.level(code) is Level.PROVINCE for code in known) == 31


def test_zhejiang_and_jiaxing_have_the_counties_townships_and_villages_that_were_published() -> None:
    assert counts("33") == (90, 1_387, 25_547)
    assert counts("3304") == (7, 72, 1_202)
    assert counts("3304", REPORTING) == (8, 72, 1_202)


def test_a_path_names_the_divisions_from_the_province_down() -> None:
    assert COUNTRY.path("330402012") == ("浙江省", "嘉兴市", "南湖区", "城南街道")
    assert COUNTRY.path("330402012", REPORTING) == ("浙江省", "嘉兴市", "嘉兴经济技术开发区", "城南街道")
    assert COUNTRY.path(ZONE) == ("浙江省", "嘉兴市", "嘉兴经济技术开发区")


def test_a_functional_area_takes_its_townships_out_of_their_districts_in_the_reporting_tree_alone() -> None:
    assert COUNTRY.children(ZONE, REPORTING) == TAKEN
    assert COUNTRY.children(ZONE) == ()
    assert set(COUNTRY.children("330402")) - set(COUNTRY.children("330402", REPORTING)) == set(TAKEN[:2])
    assert COUNTRY.level(ZONE) is Level.COUNTY
    grid = "330411004001001"
    assert COUNTRY.ancestors(grid, REPORTING) == (grid, "330411004001", "330411004", ZONE, "3304", "33")
    assert COUNTRY.ancestors(grid, STATUTORY) == (grid, "330411004001", "330411004", "330411", "3304", "33")
    assert not COUNTRY.covers("330411", grid, REPORTING)
    assert COUNTRY.covers(ZONE, grid, REPORTING)
    assert COUNTRY.ancestors(ZONE, STATUTORY) == ("3304", "33")


def test_anqings_zone_has_a_code_of_the_bureaus_and_is_the_same_in_both_trees() -> None:
    assert COUNTRY.name("340871") == "安徽安庆经济开发区"
    assert COUNTRY.children("3408") == COUNTRY.children("3408", REPORTING)
    assert len(COUNTRY.children("3408")) == 11


def test_a_village_can_be_taken_without_its_township() -> None:
    area = {"code": "3304K1", "name": "a park", "parent": "3304", "takes": "330483100201"}
    village = next(iter(COUNTRY.children("330483100")))
    divisions = COUNTRY.with_areas([area | {"takes": village}])
    assert divisions.ancestors(village, REPORTING) == (village, "3304K1", "3304", "33")
    assert village not in divisions.children("330483100", REPORTING)
    assert divisions.children("3304K1", REPORTING) == (village,)


def test_a_grid_or_micro_grid_need_not_be_known_to_have_ancestors() -> None:
    assert not COUNTRY.knows("330402007001009")
    assert COUNTRY.ancestors("330402007001009A2", STATUTORY)[:3] == (
        "330402007001009A2",
        "330402007001009",
        "330402007001",
    )


VILLAGES = [code for code in under("3304") if len(code) == Level.VILLAGE] + list(COUNTRY.children("340871001"))
PLACES = [*under("3304", WITH_GRIDS, REPORTING), "3304", "33", *under("340871", WITH_GRIDS), "3408", "34"]


@given(st.sets(st.sampled_from(PLACES), max_size=40), st.sampled_from(Tree))
@example({ZONE, *TAKEN, "3304", "330402", "330402012001001"}, STATUTORY)
@example({ZONE, *TAKEN, "3304", "330402", "330402012001001"}, REPORTING)
def test_what_a_division_covers_is_what_its_children_cover_and_its_own(places: set[str], tree: Tree) -> None:
    lines = {place: WITH_GRIDS.ancestors(place, tree) for place in places}
    for division in {above for line in lines.values() for above in line}:
        covered = sorted(place for place in places if WITH_GRIDS.covers(division, place, tree))
        own = [place for place, line in lines.items() if line[0] == division]
        parts = [
            p for child in WITH_GRIDS.children(division, tree) for p in places if WITH_GRIDS.covers(child, p, tree)
        ]
        assert sorted(parts + own) == covered


@given(st.sampled_from(PLACES), st.sampled_from(Tree))
def test_a_division_is_a_child_of_its_parent_and_of_no_other(place: str, tree: Tree) -> None:
    parent = WITH_GRIDS.parent(place, tree)
    if parent is not None and not (tree is STATUTORY and place == ZONE):
        assert place in WITH_GRIDS.children(parent, tree)
    assert all(WITH_GRIDS.parent(child, tree) == place for child in WITH_GRIDS.children(place, tree))


def test_an_unknown_code_says_what_to_do() -> None:
    for code in ("", "1", "999999", "33,浙江省", "330402007001001"):
        assert not COUNTRY.knows(code)
    with pytest.raises(UnknownDivisionError, match="'330402999' is not in the edition 2023-06-30: correct it"):
        COUNTRY.name("330402999")
    with pytest.raises(UnknownDivisionError, match=r"load its grid with with_grids\(\)"):
        COUNTRY.path("330402007001001")
    with pytest.raises(MalformedCodeError, match=r"5 characters; write one of 2 \(province\)"):
        COUNTRY.ancestors("33040", STATUTORY)
    with pytest.raises(DivisionError, match=r"no edition '1999-12-31' of the divisions: choose one of 2023-06-30"):
        Divisions.load("1999-12-31")


def test_grids_are_added_beside_the_edition_and_leave_it_as_it_was() -> None:
    village = VILLAGES[0]
    added = COUNTRY.with_grids([{"code": f"{village}001", "name": "East, along the river"}])
    again = added.with_grids([{"code": f"{village}002", "name": "West"}, {"code": f"{village}001", "name": "East"}])
    assert added.name(f"{village}001") == "East, along the river"
    assert again.children(village) == (f"{village}001", f"{village}002")
    assert (again.name(f"{village}001"), len(again)) == ("East", len(COUNTRY) + 2)
    assert COUNTRY.children(village) == ()


def test_each_wrong_row_of_grids_is_named_with_its_line_and_its_mending_and_none_is_taken() -> None:
    good = f"{VILLAGES[0]}001"
    names = {"33040200700": "short", "330402999001001": "nowhere", f"{VILLAGES[0]}002": " ", good: "right"}
    with pytest.raises(BadRowsError) as bad:
        COUNTRY.with_grids([{"code": c, "name": n} for c, n in names.items()] + [{"code": good, "name": "again"}])
    assert [problem.split(":")[0] for problem in bad.value.problems] == ["line 2", "line 3", "line 4", "line 6"]
    for problem, mending in zip(bad.value.problems, ("write", "correct", "fill in", "remove one"), strict=True):
        assert mending in problem


def test_each_wrong_row_of_functional_areas_is_named_and_none_is_taken() -> None:
    right = {"code": "3304K1", "name": "a park", "parent": "3304", "takes": "330483100"}
    wrong = [{"code": "330499"}, {"code": "3305K1"}, {"takes": "3304"}, {"takes": "330602005"}, {"takes": TAKEN[0]}]
    with pytest.raises(BadRowsError) as bad:
        COUNTRY.with_areas([right | change for change in wrong])
    assert len(bad.value.problems) == len(wrong)
    assert not COUNTRY.knows("3304K1")


FRESH = """
import resource, time
began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from contracts.divisions import Divisions
found = len(Divisions.load())
resident = int(open("/proc/self/statm").read().split()[1]) * 4096
print(found, f"divisions after {time.perf_counter() - began:.2f} s, process holds {resident / 1e6:.0f} MB")
"""


def test_a_fresh_process_reads_the_edition(capsys: pytest.CaptureFixture[str]) -> None:
    said = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True).stdout
    with capsys.disabled():
        sys.stdout.write(f"\n{said}")
    assert said.startswith("665276 divisions")
