"""A spreadsheet: 10,000 rows by `POST /sheets` into a base of a million persons, from its first byte to its summary."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import asyncpg
import xlsxwriter

from benchmarks.lab import Lab
from benchmarks.measure import BenchError
from benchmarks.town import BEGIN
from deploy.fleet import Fleet
from services.chassis.sealing import read_keys
from services.intake.identity import Subject, keep_subjects, subject_of_dwelling, subject_of_mention
from services.intake.parts import Dwelling, Person
from services.intake.rules.mentions import Mention
from services.intake.rules.numbers import check_character
from services.intake.store import people
from services.intake.vault import Vault

ROWS = 10_000
PERSONS_A_DWELLING = 10
_A_STEP = 10_000
_VILLAGE = "330421001001"
COUNTY = _VILLAGE[:6]
_SURNAMES, _GIVEN = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗", "明华芳伟娜秀英敏静丽强磊军洋勇艳杰娟涛超"
_HEADER = ("样本编号", "居住地区划代码", "姓名", "身份证号", "联系电话", "采样时间", "检测时间", "检测结果")


def id_number(n: int) -> str:
    """Of the n-th made-up person; no county 330499 exists."""
    day, sequence = divmod(n, 999)
    first17 = f"330499{1930 + day // 336}{day % 336 // 28 + 1:02d}{day % 28 + 1:02d}{sequence + 1:03d}"
    return first17 + check_character(first17)


def phone_of(n: int) -> str:
    """Of the n-th person; a hundred of a million end alike."""
    return f"13{n % 1_000_000_000:09d}"


def name_of(n: int) -> str:
    """Of the n-th person; there are 8,000 names, so a million have 125 of each."""
    return _SURNAMES[n % 20] + _GIVEN[n // 20 % 20] + _GIVEN[n // 400 % 20]


def door_of(n: int) -> str:
    """Building, staircase and flat of the n-th dwelling as one types it; each road of the base has it once."""
    return f"{n // 120 % 10 + 1}-{n // 60 % 2 + 1}-{n // 10 % 6 + 1}{n % 10 + 1:02}"


async def fill_vault(lab: Lab, persons: int, tell: Callable[[str], None]) -> None:
    """So many persons in intake's vault, and their dwellings, kept by its own functions; not timed."""
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
                await keep_subjects(connection, vault, [*who, *_homes(vault, at // PERSONS_A_DWELLING)])
        for table in ("vault_persons", "vault_dwellings", "vault_keys", "vault_words"):
            await connection.execute(f"analyze {table}")
    finally:
        await connection.close()
    tell(f"{persons:,} persons lie in the vault")


def _person(n: int) -> Person:
    return Person(id_number=id_number(n), name=name_of(n), phone=phone_of(n), sex="F")


def _homes(vault: Vault, first: int) -> Iterator[tuple[str, Subject]]:
    for n in range(first, first + _A_STEP // PERSONS_A_DWELLING):
        building, staircase, flat = door_of(n).split("-")
        address = f"河滨路{n // 1_200 + 1}号{building}幢{staircase}单元{flat}室"
        yield f"home{n:012d}", subject_of_dwelling(vault, Dwelling(ref=f"base-{n}", address=address), _VILLAGE)


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
            sheet.write_row(row, 0, (sample, _VILLAGE, name_of(n), id_number(n), phone_of(n), at, result_at, "阴性"))
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
