"""The benchmarks count what they say: the made-up province, rates, percentiles, and a table that is its JSON's."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from benchmarks.flood import must_be_flat
from benchmarks.latency import Sent, latency_of
from benchmarks.measure import BenchError, percentile, rate_until
from benchmarks.results import RESULTS, Results
from benchmarks.scale import GRIDS, PARTS, SHORT
from benchmarks.table import BEGIN, END, README, generated, rows
from benchmarks.town import PROVINCE, grid_file, grids, screenings, visits
from contracts.divisions import Divisions, Level, Tree
from contracts.envelope import parse
from services.intake.records import KINDS


def test_the_grids_are_as_many_as_said_and_lie_under_known_villages_of_the_province() -> None:
    codes = grids(GRIDS)
    assert len(set(codes)) == GRIDS
    divisions = Divisions.load()
    for code in codes[:: GRIDS // 50]:
        line = divisions.ancestors(code, Tree.STATUTORY)
        assert [len(each) for each in line] == sorted(Level, reverse=True)
        assert line[-1] == PROVINCE and divisions.knows(line[1])
    assert grid_file(codes[:2]).decode().splitlines()[0] == "code,name"


def test_each_screening_is_an_event_of_its_own_person_and_the_same_seed_makes_the_same() -> None:
    events = list(screenings(2_000, grids(GRIDS)))
    assert len({event.data.person_id for event in events}) == len({event.id for event in events}) == 2_000
    assert all(parse(event.to_wire()) == event for event in events[:50])
    assert [event.id for event in events] == [event.id for event in screenings(2_000, grids(GRIDS))]
    households = Counter(event.data.dwelling_id for event in events).values()
    assert set(households) == {1, 2, 3, 4, 5}


def test_the_door_can_read_every_record_that_is_sent_to_it() -> None:
    sent = visits(300, grids(GRIDS), 3_000_000)
    assert {KINDS["household-visit"].model_validate_json(line).division_code for line in sent} <= set(grids(GRIDS))
    assert len({json.loads(line)["members"][0]["person"]["id_number"] for line in sent}) == 300


def test_a_flood_that_fills_the_memory_is_no_result() -> None:
    must_be_flat([200.0, 290.0, 210.0])
    with pytest.raises(BenchError, match="grew by 97 MiB"):
        must_be_flat([200.0, 297.0, 210.0])


async def test_a_rate_leaves_out_what_was_done_before_the_first_look() -> None:
    loop, looks = asyncio.get_running_loop(), iter((0, 400, 500, 600))
    began = loop.time()

    async def look() -> int:
        await asyncio.sleep(0.05)
        return next(looks)

    rate = await rate_until(look, 600)
    assert rate == pytest.approx(200 / 0.1, rel=0.5)
    assert rate > 600 / (loop.time() - began) / 2


def test_the_kth_accepted_is_shown_when_the_figure_has_grown_by_k() -> None:
    sent = Sent(accepted_at=[10.0, 10.0, 11.0, 12.0], waited=[0.1, 0.2])
    found = latency_of(1_000, sent, [(0, 9.0), (1, 10.5), (3, 11.5), (4, 12.25)])
    assert (found.p50, found.records, found.reached) == (0.5, 4, 2.0)
    assert found.p99 == pytest.approx(1.5, abs=0.05)
    with pytest.raises(BenchError, match="grew by 3"):
        latency_of(1_000, sent, [(0, 9.0), (3, 11.5)])


def test_a_percentile_is_a_value_that_so_many_do_not_exceed() -> None:
    assert percentile([*map(float, range(1, 102))], 50) == 51
    assert percentile([*map(float, range(1, 102))], 99) == 100
    assert percentile([7.0], 99) == 7


def test_a_table_says_whether_each_aim_was_reached() -> None:
    results = Results(SHORT)
    results.facts = dict.fromkeys(
        ("processor", "cores", "memory_gib", "load_at_begin", "python", "postgresql", "kafka"), 2
    )
    results.add("reading", 100_000.0, 200_000.0, 150_000.0)
    results.add("ours", 60_000.0)
    results.add("one-by-one", 2_000.0)
    slow = {"offered": 1_000, "reached": 900.0, "p50": 0.1, "p99": 0.2}
    results.latencies += [slow]
    results.lists += [{"role": "worker", "items": 90, "p50": 0.02, "p99": 0.04}]
    results.lists += [{"role": "leader", "items": 270, "p50": 0.04, "p99": 0.06}]
    results.singles += [{"who": "door", "p50": 0.09, "p99": 0.2}, {"who": "plain", "p50": 0.03, "p99": 0.3}]
    results.flood = {"offered": 100, "seconds": 9.6, "accepted": 60, "told_to_wait": 39}
    results.flood |= {"memory_before": 90.2, "memory_most": 120.0}
    table = "\n".join(rows(results.as_json()))
    assert "| door | 90 ms | 200 ms | p99 under 250 ms: reached |" in table
    assert "| a plain FastAPI handler | 30 ms | 300 ms |  |" in table
    assert "| 100 | 10 | 60 | 39 | 1 | 90 MiB before, 120 MiB at most |" in table
    assert "| ours of reading alone | 0.4 | 0.35: reached |" in table
    assert "| ours over one by one | 30 | 50: not reached |" in table
    assert "p99 under 2 s: not reached" in table
    assert "| worker | 90 | 20 ms | 40 ms | p99 under 50 ms: reached |" in table
    assert "| leader | 270 | 40 ms | 60 ms | p99 under 50 ms: not reached |" in table


def test_the_readme_shows_the_table_of_the_results_that_it_names() -> None:
    text = README.read_text(encoding="utf-8")
    named = re.search(r"\[`results/([^`]+)`\]", text)
    assert named, "no table: run `make bench`"
    assert text[text.index(BEGIN) : text.index(END) + len(END)] == generated(RESULTS / named[1])


def test_help_says_how_to_ask_for_a_part_and_an_unknown_part_is_refused() -> None:
    told, refused = (
        subprocess.run(
            [sys.executable, "-m", "benchmarks", *words], capture_output=True, text=True, env={"COLUMNS": "200"}
        )
        for words in (["--help"], ["--only", "reading,our"])
    )
    assert all(part in told.stdout for part in PARTS) and "--only reading,ours" in told.stdout
    assert refused.returncode == 2 and "no part our" in refused.stderr
