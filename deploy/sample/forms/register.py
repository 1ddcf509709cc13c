"""The office's register of canvassing as a workbook: two header rows, a household's cells merged over its people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO

from xlsxwriter import Workbook

from deploy.sample.mail import Sent
from deploy.sample.people import Record

_HOUSEHOLD = ("网格编码", "详细地址", "排摸时间", "排摸方式", "轮次")
_PERSON = ("姓名", "身份证号码", "性别", "联系电话", "体温", "症状")
_ARRIVAL = ("来自区划代码", "离开时间", "抵达时间")
_CHANNELS = {"visit": "上门", "phone": "电话", "message": "短信", "app": "小程序"}
_SYMPTOMS = {"fever": "发热", "cough": "咳嗽", "fatigue": "乏力", "sore_throat": "咽痛"}
_SEXES = {"F": "女", "M": "男"}
_MADE = datetime(2022, 3, 5, tzinfo=UTC).replace(tzinfo=None)


def fits_register(visit: Record) -> bool:
    """Whether the sheet has a column for everything said: everybody has a number."""
    return all("person" in member for member in visit["members"])


def as_register(received: Sequence[Sent]) -> bytes:
    """One sheet."""
    out = BytesIO()
    book = Workbook(out, {"in_memory": True})
    book.set_properties({"created": _MADE})
    sheet = book.add_worksheet("排摸登记表")
    at = 0
    for group, names in (("住户", _HOUSEHOLD), ("人员", _PERSON), ("重点地区旅居", _ARRIVAL)):
        sheet.merge_range(0, at, 0, at + len(names) - 1, group)
        sheet.write_row(1, at, names)
        at += len(names)
    row = 2
    for sent in received:
        members = sent.record["members"]
        for column, text in enumerate(_household(sent.record)):
            if len(members) > 1:
                sheet.merge_range(row, column, row + len(members) - 1, column, text)
            else:
                sheet.write_string(row, column, text)
        for number, member in enumerate(members):
            sheet.write_row(row + number, len(_HOUSEHOLD), _person(member))
        row += len(members)
    book.close()
    return out.getvalue()


def _household(visit: Record) -> tuple[str, ...]:
    visited, channel = _time(visit["visited_at"]), _CHANNELS[visit["channel"]]
    return visit["division_code"], visit["dwelling"]["address"], visited, channel, visit["round_id"]


def _person(member: Record) -> list[str]:
    person, arrival = member["person"], member.get("arrival")
    symptoms = "、".join(_SYMPTOMS[each] for each in member.get("symptoms", ()))
    said = [
        person["name"],
        person["id_number"],
        _SEXES[person["sex"]],
        person.get("phone", ""),
        str(member.get("temperature_celsius", "")),
        symptoms or "无",
    ]
    if arrival:
        said += [arrival["source_area_code"], _time(arrival["left_area_at"]), _time(arrival["arrived_at"])]
    return said


def _time(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{at.year}/{at.month}/{at.day} {at.hour}:{at.minute:02d}"
