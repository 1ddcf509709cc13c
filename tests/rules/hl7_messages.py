"""Messages as laboratories and hospitals send them; nobody in them is real (no county 330499 exists)."""

from __future__ import annotations

from pathlib import Path

from services.intake.health.hl7.message import read_message
from services.intake.health.hl7.reading import source_of, translate
from services.intake.health.items import Translated
from services.intake.health.sources import Sources, load_sources
from services.intake.rules.numbers import check_character

SOURCES: Sources = load_sources(str(Path(__file__).parents[1] / "sources"))
VILLAGE = "330421001001"


def a_number(n: int) -> str:
    """The identification number of the n-th made-up person."""
    first17 = f"33049919550505{n:03d}"
    return first17 + check_character(first17)


def header(kind: str = "ORU^R01", **more: str) -> str:
    """MSH of version 2.5.1 in UTF-8, made at 18:30 of 5 March 2022; fields by name."""
    fields = {
        "app": "LIS",
        "facility": "JSLAB",
        "at": "20220305183000+0800",
        "id": "M1",
        "processing": "P",
        "version": "2.5.1",
        "charset": "UNICODE UTF-8",
        **more,
    }
    head = f"MSH|^~\\&|{fields['app']}|{fields['facility']}|GRIDWARD|COUNTY|{fields['at']}||{kind}|{fields['id']}"
    return f"{head}|{fields['processing']}|{fields['version']}||||||{fields['charset']}"


def pid(n: int = 1, **more: str) -> str:
    fields = {
        "ids": f"{a_number(n)}^^^&2.16.156.10011.1.3&ISO^NI~MR{n:04d}^^^JSLAB^MR",
        "name": f"王^某{n}^^^^^L^I",
        "birth": "19550505",
        "sex": "F",
        "address": f"人民路 {n} 号^^嘉善县^浙江省^^CHN^H^^{VILLAGE}",
        "phone": f"^PRN^CP^^^^^^^^^1381234{n:04d}",
        **more,
    }
    return (
        f"PID|1||{fields['ids']}||{fields['name']}||{fields['birth']}|{fields['sex']}"
        f"|||{fields['address']}||{fields['phone']}"
    )


def obr(order: str = "L0001", **more: str) -> str:
    fields = {
        "code": "94500-6^SARS-CoV-2 RNA^LN",
        "sampled": "20220305091500+0800",
        "resulted": "20220305180000+0800",
        "state": "F",
        **more,
    }
    return (
        f"OBR|1|P{order}|{order}^JSLAB|{fields['code']}|||{fields['sampled']}{'|' * 15}{fields['resulted']}"
        f"|||{fields['state']}"
    )


def obx(value: str = "260415000^Not detected^SCT", code: str = "94500-6^SARS-CoV-2 RNA^LN", **more: str) -> str:
    fields = {"n": "1", "type": "CWE", "state": "F", "at": "20220305170000+0800", "flag": "", **more}
    return f"OBX|{fields['n']}|{fields['type']}|{code}||{value}|||{fields['flag']}|||{fields['state']}|||{fields['at']}"


def spm(specimen: str = "TUBE-1", role: str = "L", at: str = "202203050900") -> str:
    return f"SPM|1|^{specimen}&JSLAB||258500001^Nasopharyngeal swab^SCT|||||||{role}||||||{at}"


def message(*segments: str, end: str = "\r") -> bytes:
    return "".join(f"{segment}{end}" for segment in segments).encode()


def an_oru(value: str = "260415000^Not detected^SCT", order: str = "L0001", n: int = 1, **head: str) -> bytes:
    """One person's nucleic acid result."""
    return message(header(**head), pid(n), "ORC|RE", obr(order), obx(value), spm(role="P"))


def an_adt(trigger: str = "A01", diagnosis: str = "U07.1^新型冠状病毒肺炎^I10", n: int = 1, **more: str) -> bytes:
    """An admission with a final diagnosis."""
    made = {"type": "F", "at": "202203051010", "visit": f"V{n:04d}", "action": "", "other": "", "account": "", **more}
    head = header(
        f"ADT^{trigger}", app="HIS", facility="JSRMYY", id=made.get("id", "A1"), at=made.get("sent", "20220305103000")
    )
    dg1 = f"DG1|1||{diagnosis}||{made['at']}|{made['type']}{'|' * 15}{made['action']}"
    admitted = made.get("admitted", "20220305100000")
    pv1 = f"PV1|1|I|发热门诊{'|' * 16}{made['visit']}{'|' * 25}{admitted}{'|' * 6}{made['other']}"
    person = pid(n, **{key: value for key, value in more.items() if key in ("name", "ids", "address", "phone")})
    person += f"{'|' * 5}{made['account']}"
    return message(head, "EVN||20220305102000", person, pv1, *([dg1] if diagnosis else []))


def said(body: bytes) -> Translated:
    """What a message says by the sources of tests. Raises Refused."""
    read = read_message(body, "utf-8")
    return translate(read, source_of(read, SOURCES, None))
