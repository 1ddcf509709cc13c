"""`gridward send`: no rejected row is lost by sending again, a full door is waited for, a sheet needs its mapping."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from services import door_client
from services.door_client import TRIES, SendError
from services.intake.door import door_of
from services.intake.room import MOST_BODIES
from services.intake.sender import Sender
from tests.stores.intake_world import a_test
from tests.stores.served_world import listening
from tests.stores.sheets import TESTS, a_test_row, text_sheet
from tests.stores.test_intake_sending import sent


async def test_rows_that_are_being_mended_are_not_written_over(database: str, tmp_path: Path) -> None:
    file, back = tmp_path / "三月.csv", tmp_path / "三月.rejected.csv"
    file.write_bytes(text_sheet([TESTS, a_test_row(1, 检测结果="不详"), a_test_row(2, 检测结果="?"), a_test_row(3)]))
    async with listening(database) as (_, url):
        assert await sent(file, url, "single-tests") == 1
        back.write_text(half_mended := back.read_text("utf-8").replace("不详", "阴性"), "utf-8")
        assert await sent(file, url, "single-tests") == 1
        assert back.read_text("utf-8") == half_mended
        assert (tmp_path / "三月-2.rejected.csv").read_text("utf-8").count("\n") == 3
        assert await sent(back, url, "single-tests") == 1
        assert back.read_text("utf-8").count("\n") == 2 and "SL-2" in back.read_text("utf-8")


async def test_a_disk_that_is_full_leaves_the_file_that_was_sent(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "a.rejected.csv").write_bytes(text_sheet([TESTS, a_test_row(1, 检测结果="不详")]))
    before, write = file.read_bytes(), Path.write_bytes

    def full(path: Path, body: bytes) -> int:
        write(path, body[:10])
        raise OSError(28, "No space left on device")

    async with listening(database) as (_, url):
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(SendError, match="No space left"):
            await sent(file, url, "single-tests")
    assert file.read_bytes() == before


async def test_a_sheet_without_a_mapping_is_not_sent_as_lines(tmp_path: Path) -> None:
    (file := tmp_path / "三月.csv").write_bytes(text_sheet([TESTS, a_test_row(1)]))
    with pytest.raises(SendError, match=r"--mapping.*single-tests"):
        await sent(file, "http://127.0.0.1:9")


async def test_a_door_that_is_full_is_waited_for(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "one.ndjson").write_text(json.dumps(a_test(1, 1)))
    waited = list[float]()
    async with listening(database) as (world, url):
        room = door_of(world.app).room
        with ExitStack() as others:
            for _ in range(MOST_BODIES):
                others.enter_context(room.body(Sender("other", ("",))))

            def wait(seconds: float) -> None:
                waited.append(seconds)
                if len(waited) > TRIES:
                    others.close()

            monkeypatch.setattr(door_client.time, "sleep", wait)
            assert await sent(file, url) == 0
    assert waited == [2] * (TRIES + 1)
