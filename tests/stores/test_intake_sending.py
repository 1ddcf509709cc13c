"""`gridward send` and a real door over HTTP: verdicts counted, rejected rows written, mended and sent again."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import pty
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.chassis.access import make_token
from services.door_client import SendError, Target
from services.sending import send_file
from tests.stores.intake_world import KEY, VILLAGE, a_test
from tests.stores.served_world import listening
from tests.stores.sheets import TESTS, a_test_row, text_sheet

HEADER = "case_id,gender ,age,symptom_onset,symptom_type,confirm_date,Infection_source,start_source,end_source,"
HEADER += "severity,death,recorrection for start and end source,notes"
TOKEN = make_token(SecretStr(KEY), "sender", frozenset({"sender"}))


async def sent(file: Path, url: str, mapping: str | None = None, token: str = TOKEN) -> int:
    return await asyncio.to_thread(send_file, file, Target(url, token), mapping)


def sheet(path: Path, *rows: str) -> Path:
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8-sig")
    return path


async def test_a_sheet_is_sent_its_wrong_rows_are_mended_and_nothing_is_taken_twice(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = 'TJ1,F,59,14/01/2020,"cough, dizzy",21/01/2020,Wuhan,,,severe,,,'
    no_day = "TJ2,M,57,NA,NA,31/02/2020,Wuhan,,,severe,,,"
    before = "TJ3,M,57,NA,NA,30/01/2020,Wuhan,,,severe,,,"
    no_one = ",M,57,NA,NA,30/01/2020,Wuhan,,,severe,,,"
    file = sheet(tmp_path / "cases.csv", right, no_day, before, no_one)
    async with listening(database) as (world, url):
        assert await sent(file, url, "tianjin-2020") == 1
        told = capsys.readouterr().out
        rejected = tmp_path / "cases.rejected.csv"
        with rejected.open(encoding="utf-8-sig", newline="") as rows:
            header, first, second = csv.reader(rows)
        assert header == [*HEADER.split(","), "rejected_because"]
        assert first[:-1] == no_day.split(",") and "confirm_date" in first[-1]
        assert second[:-1] == no_one.split(",") and "nobody is named" in second[-1]
        mended = rejected.read_text(encoding="utf-8-sig").replace("31/02/2020", "01/02/2020").replace("\n,M", "\nTJ4,M")
        rejected.write_text(mended, encoding="utf-8")
        assert await sent(rejected, url, "tianjin-2020") == 0
        assert await sent(file, url, "tianjin-2020") == 1
        ledger = (await world.ledger())["tianjin-2020"]
        assert await world.pool.fetchval("select count(*) from records") == 4
    assert "accepted          2" in told and "rejected          2" in told and "'age', 4 rows" in told
    # Three, then two, then three rows: the one without a day never becomes a record.
    assert ledger == {"received": 8, "accepted": 4, "duplicate": 2, "rejected": 2, "pending": 0}


async def test_lines_that_are_rejected_come_back_as_lines(database: str, tmp_path: Path) -> None:
    file = tmp_path / "tests.ndjson"
    lines = [json.dumps(a_test(1, 1)), json.dumps(a_test(2, 2, result="?")), "no json", ""]
    file.write_bytes("\n".join(lines).encode() + b'\n{"feed": "\xff"}')
    async with listening(database) as (world, url):
        assert await sent(file, url) == 1
        back = [json.loads(line) for line in (tmp_path / "tests.rejected.ndjson").read_text("utf-8").splitlines()]
        reasons = [row.pop("rejected_because") for row in back]
        assert reasons[0].startswith("result: ") and all("no JSON" in reason for reason in reasons[1:])
        assert back == [a_test(2, 2, result="?"), {"unreadable": "no json"}, {"unreadable": '{"feed": "\ufffd"}'}]
        assert await world.pool.fetchval("select count(*) from records") == 1


async def test_a_file_of_many_requests_is_answered_in_its_order(database: str, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    records = (a_test(n, n, result="?" if n in (3, 2222) else "negative") for n in range(2500))
    file.write_text("\n".join(json.dumps(record) for record in records))
    async with listening(database) as (world, url):
        assert await sent(file, url) == 1
        back = [json.loads(line)["source_id"] for line in (tmp_path / "many.rejected.ndjson").read_text().splitlines()]
        assert back == ["test-3", "test-2222"]
        assert (await world.ledger())["lab"]["accepted"] == 2498


async def test_a_refusal_is_told_with_what_to_do(database: str, tmp_path: Path) -> None:
    file = tmp_path / "one.ndjson"
    file.write_text(json.dumps(a_test(1, 1)))
    async with listening(database) as (_, url):
        with pytest.raises(SendError, match=r"401.*--token"):
            await sent(file, url, token="x")  # noqa: S106


async def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    file = tmp_path / "none.ndjson"
    file.write_text("\n \n")
    with pytest.raises(SendError, match=r"none.ndjson is empty: give a file with a record on each line"):
        await sent(file, "http://127.0.0.1:1")


FAILS_ONCE = """
create sequence said;
create function fail_once() returns trigger language plpgsql as $$
begin
    if nextval('said') = 2 then raise exception 'once'; end if;
    return null;
end $$;
create trigger fails before insert on outbox for each statement execute function fail_once();
"""


async def test_what_was_broken_off_is_sent_again(database: str, tmp_path: Path) -> None:
    """One request of two batches, the second of which fails: its last line says so."""
    file = tmp_path / "long.ndjson"
    file.write_text("\n".join(json.dumps(a_test(n, n)).replace("{", "{" + " " * 6_000, 1) for n in range(900)))
    async with listening(database) as (world, url):
        await world.pool.execute(FAILS_ONCE)
        with capture_logs() as heard:
            assert await sent(file, url) == 0
        assert "a body was broken off" in [told["event"] for told in heard]
        assert (await world.ledger())["lab"]["accepted"] == 900


async def command(*asked: str, output: int = asyncio.subprocess.PIPE) -> tuple[int, str, str]:
    """`gridward send` as a person runs it: code, output, errors."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GRIDWARD", "LC_", "LANG"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", "send", *asked, env=environment, stdout=output, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out or b"").decode(), err.decode()


async def test_the_command_without_a_token_or_with_one_that_is_over_says_what_to_do(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "one.ndjson"
    file.write_text(json.dumps(a_test(1, 1)))
    over = make_token(SecretStr(KEY), "sender", frozenset({"sender"}), hours=-1)
    async with listening(database) as (world, url):
        for words, *token in (
            ("no token",),
            ("401", "--token", over),
            ("401", "--token", "x"),
            ("none", "--token", "令牌"),
        ):
            code, out, err = await command(str(file), "--to", url, *token)
            assert (code, out) == (2, "")
            assert err.startswith("gridward: ") and "--token" in err and words in err and "Traceback" not in err
        assert await world.ledger() == {}
    for to, words in (
        ("127.0.0.1:8000", "no address"),
        ("http://here:port", "no address"),
        ("http://127.0.0.1:9", "not answer"),
    ):
        code, _, err = await command(str(file), "--to", to, "--token", over)
        assert code == 2 and words in err and "--to" in err and "Traceback" not in err


async def test_another_web_server_is_no_door(tmp_path: Path) -> None:
    """It answers 200 with a page, or with JSON of its own; nothing is tried again."""
    file = tmp_path / "one.ndjson"
    file.write_text(json.dumps(a_test(1, 1)))
    for body in (b"<!doctype html><title>Welcome</title>", b'{"ok": true}', b"[]"):
        asked = 0

        async def answer(asking: asyncio.StreamReader, answering: asyncio.StreamWriter, body: bytes = body) -> None:
            nonlocal asked
            asked += 1
            await asking.readuntil(b"\r\n\r\n")
            await asking.readexactly(file.stat().st_size)
            answering.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
            answering.close()
            await answering.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            code, out, err = await command(str(file), "--to", f"http://127.0.0.1:{port}", "--token", TOKEN)
        assert (code, out, asked) == (2, "", 1)
        assert f"answered 200: {body.decode()[:20]}" in err and "--to" in err and "Traceback" not in err


@pytest.mark.parametrize("mapping", [None, "tianjin-2020"])
async def test_where_rejected_rows_cannot_be_written_counts_and_reasons_are_told(
    database: str, tmp_path: Path, mapping: str | None
) -> None:
    """The place is taken by a folder: root may write into any that is closed."""
    file = sheet(tmp_path / "cases.csv", "TJ2,M,57,NA,NA,31/02/2020,Wuhan,,,severe,,,")
    if mapping is None:
        file = tmp_path / "cases.ndjson"
        file.write_text(json.dumps(a_test(1, 1)) + "\n" + json.dumps(a_test(2, 2, result="?")))
    (tmp_path / f"cases.rejected{file.suffix}.part").mkdir()
    asked = [str(file), "--token", TOKEN, *(["--mapping", mapping] if mapping else [])]
    async with listening(database) as (_, url):
        code, out, err = await command(*asked, "--to", url)
    assert code == 2 and "Traceback" not in err
    assert f"cases.rejected{file.suffix}.part cannot be written" in err
    assert "rejected          1" in out and ("row 2: " if mapping else "row 2: result: ") in out
    assert not mapping or "confirm_date: the calendar has no such day" in out


async def test_a_year_and_a_division_told_beside_the_sheet_count_for_all_its_rows(
    database: str, tmp_path: Path
) -> None:
    file = tmp_path / "results.csv"
    rows = [TESTS, *(a_test_row(n, 采样时间="3.5 9:30", 检测时间="3.5 18:00", 居住地区划代码="") for n in (1, 2))]
    file.write_bytes(text_sheet(rows, "gb18030"))
    given = (str(file), "--mapping", "single-tests", "--token", TOKEN)
    async with listening(database) as (world, url):
        code, out, _ = await command(*given, "--to", url)
        assert code == 1 and "rejected          2" in out
        code, out, err = await command(*given, "--to", url, "--year", "2022", "--division", VILLAGE)
        assert (code, err) == (0, "") and "accepted          2" in out
        events = await world.events()
    assert {event.division for event in events} == {VILLAGE}
    assert {event.data.sampled_at.isoformat() for event in events} == {"2022-03-05T09:30:00+08:00"}


async def test_progress_is_shown_at_a_terminal_and_nowhere_else(database: str, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_text("\n".join(json.dumps(a_test(n, n)) for n in range(2500)))
    terminal, inside = pty.openpty()
    async with listening(database) as (_, url):
        code, _, err = await command(str(file), "--to", url, "--token", TOKEN, output=inside)
        os.close(inside)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while piece := os.read(terminal, 65536):
                shown += piece
        os.close(terminal)
        assert (code, err) == (0, "")
        assert b"sending" in shown and b"100%" in shown and b"2,500" in shown
        code, out, _ = await command(str(file), "--to", url, "--token", TOKEN)
    assert code == 0 and "sending" not in out and "duplicate     2,500" in out
