"""A spreadsheet: 10,000 rows by `POST /sheets` into a base of a million persons, from its first byte to its summary."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import xlsxwriter

from benchmarks.lab import Lab
from benchmarks.measure import BenchError
from benchmarks.town import BEGIN
from deploy.fleet import Fleet
from services.chassis.sealing import read_keys
from services.intake.identity import keep_subjects, subject_of_mention
from services.intake.parts import Person
from services.intake.rules.mentions import Mention
from services.intake.rules.numbers import check_character
from services.intake.store import people
from services.intake.vault import Vault

ROWS = 10_000
_A_STEP = 10_000
_VILLAGE = "330421001001"
_HEADER = ("样本编号", "居住地区划代码", "姓名", "身份证号", "联系电话", "采样时间", "检测时间", "检测结果")


def id_number(n: int) -> str:
    """Of the n-th made-up person; no county 330499 exists."""
    day, sequence = divmod(n, 999)
    first17 = f"330499{1930 + day // 336}{day % 336 // 28 + 1:02d}{day % 28 + 1:02d}{sequence + 1:03d}"
    return first17 + check_character(first17)


def _phone(n: int) -> str:
    return f"13{n % 1_000_000_000:09d}"


async def fill_vault(lab: Lab, persons: int, tell: Callable[[str], None]) -> None:
    """So many persons in intake's vault, kept by its own functions; not timed."""
    vault = Vault(read_keys(lab.environment["GRIDWARD_VAULT_KEY"]).secrets)
    connection = await asyncpg.connect(lab.database, server_settings={"search_path": "intake"})
    try:
        for at in range(0, persons, _A_STEP):
            who = [
                (f"base{n:012d}", subject_of_mention(vault, Mention("", _person(n), None, _VILLAGE)))
                for n in range(at, min(at + _A_STEP, persons))
            ]
            async with connection.transaction():
                await people.insert_keys(connection, {find: owner for owner, each in who for find in each.finds})
                await keep_subjects(connection, vault, who)
        await connection.execute("analyze vault_persons")
        await connection.execute("analyze vault_keys")
    finally:
        await connection.close()
    tell(f"{persons:,} persons lie in the vault")


def _person(n: int) -> Person:
    return Person(id_number=id_number(n), name=f"某{n}", phone=_phone(n), sex="F")


def _sheet(number: int, persons: int) -> bytes:
    """Half of the rows name somebody who is known, half somebody new."""
    body, sampled = io.BytesIO(), BEGIN - timedelta(days=1)
    with xlsxwriter.Workbook(body, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, _HEADER)
        for row in range(1, ROWS + 1):
            known = row % 2 == 0
            n = (number * 7 + row * (persons // ROWS)) % persons if known else persons + number * ROWS + row
            at = f"{sampled + timedelta(seconds=row):%Y/%m/%d %H:%M:%S}"
            result_at = f"{sampled + timedelta(hours=9):%Y/%m/%d %H:%M}"
            sample = f"SL-{number}-{row}"
            sheet.write_row(row, 0, (sample, _VILLAGE, f"某{n}", id_number(n), _phone(n), at, result_at, "阴性"))
    return body.getvalue()


async def sheet_rate(lab: Lab, running: Fleet, number: int, persons: int) -> float:
    """Rows a second. Every row must be accepted."""
    body, url = _sheet(number, persons), running.urls["intake"]
    async with lab.client() as client:
        began = time.perf_counter()
        answer = await client.post(f"{url}/sheets", params={"mapping": "single-tests"}, content=body)
        seconds = time.perf_counter() - began
    last = json.loads(answer.text.splitlines()[-1]) if answer.status_code == 200 else {}
    if last.get("summary", {}).get("accepted") != ROWS:
        raise BenchError(f"the sheet was not accepted whole: {answer.status_code} {answer.text[-500:]}")
    return ROWS / seconds
