"""Whatever is sent to the door: an answer in words, never a 500 or a stack trace, and books that balance after each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from datetime import date, datetime, time
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from services.chassis.health import Health
from services.chassis.web import make_web, served
from services.intake.sheets.mapping import load_shipped
from tests.servers import Background
from tests.stores.intake_world import VILLAGE, World, a_number, intake
from tests.stores.sheets import workbook

BOUNDED = {
    "deadline": None,
    "phases": (Phase.reuse, Phase.generate),
    "suppress_health_check": list(HealthCheck),
}
BALANCE = """
select feed from ledger where pending <> 0 or received <> accepted + duplicate + rejected union all
select 'records that no feed accepted' from (select sum(accepted) accepted from ledger) l
 where (select count(*) from records) > coalesce(accepted, 0)"""


class Running:
    """A replica that listens in the loop of the servers; this thread asks it."""

    def __init__(self, background: Background, world: World, url: str) -> None:
        self.background, self.world, self.url = background, world, url
        self.headers = dict(world.client.headers)

    def must_balance(self) -> None:
        assert self.background.run(_fetch(self.world)) == []


async def _fetch(world: World) -> list[str]:
    return [row[0] for row in await world.pool.fetch(BALANCE)]


@pytest.fixture
def running(background: Background, database: str) -> Iterator[Running]:
    stack = AsyncExitStack()

    async def start() -> Running:
        world = await stack.enter_async_context(intake(database))
        url = await stack.enter_async_context(served(make_web(world.app, Health("intake")), "127.0.0.1", 0))
        return Running(background, world, url)

    yield background.run(start())
    background.run(stack.aclose())


def test_whatever_the_openapi_allows_and_forbids_is_answered(running: Running) -> None:
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    found = [each.ok() for each in schema.get_all_operations()]
    assert {("POST", "/records"), ("POST", "/sheets"), ("GET", "/ledger")} <= {
        (each.method.upper(), each.path) for each in found
    }
    for operation in found:
        assert _ask(running, operation), operation.path
        running.must_balance()


def _ask(running: Running, operation: Any) -> int:
    """Right requests and wrong ones, as far as the operation has any; gives how many were answered."""
    asked = 0
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

        @settings(max_examples=6, **BOUNDED)
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: Any) -> None:
            nonlocal asked
            asked += 1
            must_be_words(case.call(headers=running.headers, timeout=20), f"{operation.method} {operation.path}")

        with suppress(Unsatisfiable):  # an operation without parameters has no wrong request
            answered()
    return asked


def must_be_words(answer: Any, what: str) -> None:
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert "Traceback" not in answer.text and 'File "' not in answer.text


CELL: st.SearchStrategy[Any] = (
    st.none()
    | st.text(max_size=12)
    | st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=0x2F), max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**20), 10**20)
    | st.booleans()
    | st.dates(date(1900, 3, 1), date(9999, 12, 31))
    | st.datetimes(datetime.combine(date(1900, 3, 1), time.min), datetime.combine(date(9999, 12, 31), time.min))
    | st.sampled_from(["31/02/2022", "2022-02-31", "9999/1/1", "1e400", "NaN", "=1+1", "\ud800", "\x00", '="1"'])
    | st.sampled_from(["3.30E+17", "18220101", "﷽", "\u202e", "𠮷", "阴性", VILLAGE, a_number(1), 44625, 1e300, -0.0])
)  # fmt: skip
NAMES = ("single-tests", "household-register", "pooled-tubes", "close-contacts", "enterprise-health")


@st.composite
def sheets(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sheet with the right header and rows of which some cells are anything."""
    name = draw(st.sampled_from(NAMES))
    mapping = load_shipped(name)
    header = [names[-1] for names in mapping.columns.values()]
    right = [mapping.examples.get(field, "") for field in mapping.columns]
    rows: list[list[Any]] = []
    for _ in range(draw(st.integers(1, 8))):
        row = list(right)
        for _ in range(draw(st.integers(0, 4))):
            row[draw(st.integers(0, len(row) - 1))] = draw(CELL)
        rows.append(row)
    if draw(st.booleans()):
        try:
            return name, workbook([header, *rows])
        except (ValueError, UnicodeEncodeError, OverflowError):
            return name, b"x"
    return name, "\r\n".join("\t".join(map(_text, row)) for row in [header, *rows]).encode("utf-8", "surrogatepass")


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).replace("\t", " ").replace('"', "'")


def test_whatever_stands_in_a_sheet_each_row_gets_its_verdict(running: Running) -> None:
    with httpx.Client(base_url=running.url, headers=running.headers, timeout=30) as client:

        @settings(max_examples=60, **BOUNDED)
        @given(sheet=sheets())
        def judged(sheet: tuple[str, bytes]) -> None:
            name, body = sheet
            answer = client.post("/sheets", params={"mapping": name}, content=body)
            must_be_words(answer, name)
            if answer.status_code == 200:
                first, *rows, last = [json.loads(line) for line in answer.text.splitlines()]
                assert last["summary"]["rows"] == first["rows"] == len(rows)
                assert all(row["verdict"] != "rejected" or row["errors"] for row in rows)
            else:
                assert answer.status_code == 422 and answer.json()["detail"]
            running.must_balance()

        judged()
