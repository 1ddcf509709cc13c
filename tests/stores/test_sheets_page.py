"""The page of an office in a real browser: a sheet is dropped, its bad row comes back as a file, mended, and taken."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from services.intake.sheets.files import read_file
from services.intake.sheets.mapping import shipped
from tests.stores.intake_world import World, intake
from tests.stores.legible import illegible
from tests.stores.phone import DESK, TOO_SMALL, Phone, needs_chromium, phone_of
from tests.stores.sheets import TESTS, a_test_row, workbook

ROWS = 30
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DROP = """([bytes, name, type]) => {
    const moved = new DataTransfer();
    moved.items.add(new File([new Uint8Array(bytes)], name, { type }));
    const dropped = new DragEvent('drop', { dataTransfer: moved, bubbles: true, cancelable: true });
    document.getElementById('drop').dispatchEvent(dropped);
}"""


def a_sheet() -> bytes:
    return workbook([TESTS, *(a_test_row(n, 检测结果="不详" if n == 7 else "阴性") for n in range(ROWS))])


async def opened(phone: Phone, world: World) -> Page:
    token = world.signed_in("street-office", "sender", division="3304")["authorization"].removeprefix("Bearer ")
    await phone.page.goto(f"{phone.network.url}/sheets#token={token}")
    await expect(phone.page.locator("#mapping option")).to_have_count(len(shipped()))
    assert token not in phone.page.url
    await phone.page.select_option("#mapping", "single-tests")
    return phone.page


def _mend(file: Path) -> None:
    (table,) = read_file(file.read_bytes())
    (bad,) = table.rows[1:]
    assert bad[0] == "SL-7"
    bad[TESTS.index("检测结果")] = "阴性"
    file.write_bytes(workbook(table.rows))


async def counted(page: Page, **counts: int) -> None:
    for name, number in counts.items():
        await expect(page.locator(f"#counts .{name} b")).to_have_text(str(number))


@needs_chromium
async def test_a_dropped_sheet_is_sent_its_bad_row_mended_and_sent_again(database: str, tmp_path: Path) -> None:
    async with intake(database) as world, phone_of(world, tmp_path, DESK) as phone:
        page = await opened(phone, world)
        await page.evaluate(DROP, [list(a_sheet()), "三月.xlsx", XLSX])
        await page.click("#send")
        await counted(page, rows=ROWS, accepted=ROWS - 1, duplicate=0, rejected=1)
        await expect(page.locator("#rejected tbody tr")).to_have_count(1)
        await expect(page.locator("#rejected tbody tr")).to_contain_text("检测结果")
        assert await illegible(page) == []
        await phone.picture("returned")
        async with page.expect_download() as coming:
            await page.click("#back")
        returned = await coming.value
        assert returned.suggested_filename == "三月.rejected.xlsx"
        mended = tmp_path / returned.suggested_filename
        await returned.save_as(mended)
        _mend(mended)
        await page.set_input_files("#file", mended)
        await page.press("#token", "Enter")
        await counted(page, rows=1, accepted=1, duplicate=0, rejected=0)
        await expect(page.locator("#rejected")).to_be_hidden()
        await expect(page.locator("#back")).to_be_hidden()
        await page.set_input_files("#file", mended)
        await page.click("#send")
        await counted(page, rows=1, accepted=0, duplicate=1)


@needs_chromium
async def test_what_goes_wrong_is_said_and_the_sheet_can_be_sent_again(database: str, tmp_path: Path) -> None:
    async with intake(database) as world, phone_of(world, tmp_path) as phone:
        page, wrong = await opened(phone, world), phone.page.locator("#wrong")
        (sheet := tmp_path / "tests.xlsx").write_bytes(a_sheet())
        (tmp_path / "note.csv").write_text("没有,这些列\n1,2\n", encoding="utf-8")
        await page.click("#language")
        await page.set_input_files("#file", tmp_path / "note.csv")
        await page.click("#send")
        await expect(wrong).to_contain_text("column")
        await page.set_input_files("#file", sheet)
        await phone.network.away()
        await page.click("#send")
        await expect(wrong).to_contain_text("No connection")
        assert await page.evaluate(TOO_SMALL) == []
        await phone.network.back()
        await page.click("#send")
        await counted(page, rows=ROWS, accepted=ROWS - 1, rejected=1)
        await expect(wrong).to_be_empty()
        assert await illegible(page) == []
        await page.fill("#token", "none")
        await page.click("#send")
        await expect(wrong).to_contain_text("ask for a new one")
        await page.click("#language")
        await page.click("#send")
        await expect(wrong).to_contain_text("令牌无效或已过期")


CUT = """() => {
  const about = '{"rows": 2, "columns_not_sent": {}, "sheets_not_read": [], "unread": []}\\n';
  const lines = about + '{"row": 2, "verdict": "accepted"}\\n{"row":';
  let told = false;
  const body = new ReadableStream({ pull(to) {
    if (told) to.error(new TypeError("network error"));
    else { told = true; to.enqueue(new TextEncoder().encode(lines)); }
  } });
  window.fetch = async () => new Response(body);
}"""
"""An answer that ends within a line, as when the line to the server is cut."""


@needs_chromium
async def test_an_answer_that_is_cut_off_says_what_to_do(database: str, tmp_path: Path) -> None:
    async with intake(database) as world, phone_of(world, tmp_path, DESK) as phone:
        page = await opened(phone, world)
        (sheet := tmp_path / "tests.xlsx").write_bytes(a_sheet())
        await page.set_input_files("#file", sheet)
        await page.evaluate(CUT)
        await page.click("#send")
        await expect(page.locator("#wrong")).to_contain_text("中断：请重新报送整个文件")
        await counted(page, rows=2, accepted=1)
