"""Names, numbers, telephones and addresses that nothing else is like, and every form in which they may be written."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.topics import admin
from services.intake.rules.numbers import check_character
from tests.stores.intake_world import GRID, a_household, one_of_each
from tests.stores.sheets import TESTS, a_test_row

NUMBERS = tuple(first + check_character(first) for first in ("33049919870606131", "33049919540404242"))
PEOPLE: tuple[dict[str, str], ...] = (
    {"name": "欧阳不可见", "phone": "13912345678", "id_number": NUMBERS[0], "birth_date": "1987-06-06"},
    {"name": "Quetzalina O'Planted", "phone": "13887654321", "id_number": NUMBERS[1], "birth_date": "1954-04-04"},
)
ADDRESSES = ("嘉善县魏塘街道藏珠巷七十七号 3 幢", "77 Buried Treasure Lane")
REFS = ("ref-不可见-1", "Planted Ref 2")
DOORS = ("door-藏珠-77", "door-buried-77")
SECRETS = (
    *(person[field] for person in PEOPLE for field in ("name", "phone", "id_number")),
    *ADDRESSES, *REFS, *DOORS, "藏珠巷", "欧阳", "ouyangbukejian", "Quetzalina", NUMBERS[0][:17], NUMBERS[1][:17],
)  # fmt: skip
FEED = "planted"
READ_BY_OTHERS = (
    *("institution", "order_id", "office", "decider", "reason", "document", "site_id", "round_id", "tube_id"),
    *("placement_id", "legal_basis"),
)


def right() -> list[dict[str, Any]]:
    """Of every kind about each of them, in every field that may hold who they are; the source's own id too."""
    records = []
    for n, (person, ref, door, address) in enumerate(zip(PEOPLE, REFS, DOORS, ADDRESSES, strict=True)):
        about = {
            "person": person,
            "person_ref": ref,
            "kept": {"person": person, "person_ref": ref},
            "other": {"person": PEOPLE[1 - n], "person_ref": REFS[1 - n]},
            "dwelling": {"ref": door, "address": address},
        }
        whole = [*one_of_each(), a_household(77, 77)]
        names = {each["source_id"]: f"{person['id_number']}/{ref}/{place}" for place, each in enumerate(whole)}
        for each in whole:
            record = {**each, "feed": FEED, "source_id": names[each["source_id"]]}
            record |= {field: about[field] for field in about if field in each}
            if "person" in each:
                record["person_ref"] = ref
            if "members" in each:
                record["members"] = [{**each["members"][0], "person": person, "person_ref": ref}]
            for step in {"lead", "asked"} & each.keys():
                record[step] = {"feed": FEED, "source_id": names[each[step]["source_id"]]}
            for own in {"order_id", "placement_id", "tube_id"} & each.keys():
                record[own] = f"{each[own]}-{n}"
            records.append(record)
    return records


def wrong() -> list[bytes]:
    """Rejected: an unknown division, every text that others read, unknown fields, broken JSON, no JSON at all."""
    good = right()
    person = PEOPLE[0]
    bad = [{**each, "source_id": f"bad-{n}-{person['name']}", "division_code": "999999"} for n, each in enumerate(good)]
    for field in READ_BY_OTHERS:
        for secret in (person["name"], person["phone"], person["id_number"]):
            bad += [
                {**each, "source_id": f"{field}-{secret}-{each['kind']}", field: f"见 {secret} 处"}
                for each in good[:14]
                if field in each and "person" in each | each.get("members", [{}])[0]
            ]
    bad += [{**good[2], person["name"]: person["phone"], "source_id": "unknown"}, {**good[2], "kind": person["name"]}]
    bad += [{**good[2], "feed": person["name"]}, {**good[2], "sampled_at": person["id_number"], "source_id": "at"}]
    lines = [json.dumps(each, ensure_ascii=bool(n % 2)).encode() for n, each in enumerate(bad)]
    whole = json.dumps(good[2], ensure_ascii=False)
    cut, alone = whole.encode()[:-9], f"{person['name']},{person['phone']}".encode()
    return [*lines, cut, alone, whole.encode("gb18030"), b"\xff" + whole.encode()]


def sheet() -> bytes:
    """A laboratory's sheet about both, as CSV; the second row is rejected for its result."""
    whole = dict(zip(TESTS, a_test_row(1), strict=True))
    rows = [
        {**whole, "姓名": person["name"], "身份证号": person["id_number"], "样本编号": f"{ref}-1", "检测结果": result}
        for person, ref, result in zip(PEOPLE, REFS, ("阴性", f"见{PEOPLE[0]['phone']}"), strict=True)
    ]
    return "\n".join(",".join(row) for row in (TESTS, *(map(str, each.values()) for each in rows))).encode()


def message() -> tuple[bytes, bytes]:
    """HL7 v2 about the first of them: one that is taken, one that is not."""
    person = PEOPLE[0]
    head = "MSH|^~\\&|LIS|JSLAB|GRIDWARD|COUNTY|20220305183000+0800||ORU^R01|M1|P|2.5.1||||||UNICODE UTF-8"
    pid = (
        f"PID|1||{person['id_number']}^^^&2.16.156.10011.1.3&ISO^NI~MR1^^^JSLAB^MR||{person['name']}^^^^^^L^I||19870606|F"
        f"|||{ADDRESSES[0]}^^嘉善县^浙江省^^CHN^H^^{GRID[:12]}||^PRN^CP^^^^^^^^^{person['phone']}"
    )
    good = "\r".join((head, pid))
    return good.encode(), good.replace("ORU^R01", f"ZZZ^{person['phone']}").encode()


def bundle() -> bytes:
    """FHIR about both; the second one's result is a word that nobody has told, and names him."""
    entries = []
    for n, (person, address) in enumerate(zip(PEOPLE, ADDRESSES, strict=True)):
        patient = {
            "resourceType": "Patient",
            "id": f"p{n}",
            "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": person["id_number"]}],
            "name": [{"use": "official", "text": person["name"]}],
            "telecom": [{"system": "phone", "value": person["phone"]}],
            "birthDate": person["birth_date"],
            "address": [{"text": address, "district": GRID[:12]}],
        }
        told = {"text": "阴性"} if n == 0 else {"text": f"见{person['phone']}"}
        observation = {
            "resourceType": "Observation",
            "id": person["id_number"],
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "94500-6"}]},
            "subject": {"reference": f"Patient/p{n}", "display": person["name"]},
            "effectiveDateTime": "2022-03-05T09:00:00+08:00",
            "issued": "2022-03-05T18:00:00+08:00",
            "valueCodeableConcept": told,
            "note": [{"text": address}],
        }
        entries += [{"resource": patient}, {"resource": observation}]
    whole = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    for each in entries:
        kind, name = each["resource"]["resourceType"], each["resource"]["id"]
        each["request"] = {"method": "PUT", "url": f"{kind}/{name}"}
    return json.dumps(whole, ensure_ascii=False).encode()


def poison() -> list[bytes]:
    """What no service of ours says: a stranger's record on a topic of ours, with somebody in every place."""
    person = PEOPLE[0]
    data = {"person_id": person["id_number"], "result": person["name"], "note": ADDRESSES[0], person["phone"]: person}
    event = {"type": "test-resulted", "id": person["phone"], "subject": person["name"], "data": data}
    return [json.dumps(event, ensure_ascii=False).encode(), f"{person['name']},{person['phone']}".encode()]


def forms(secret: str) -> Iterator[bytes]:
    """How a text may be written: encodings, escapes, hexadecimal, base64 at each of its three offsets."""
    for raw in {secret.encode(), secret.encode("gb18030"), secret.encode("utf-16-le"), secret.encode("utf-16-be")}:
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for offset in range(3):
            whole = base64.b64encode(bytes(offset) + raw)
            yield whole[-(-offset * 8 // 6) : len(whole) - 4]
    yield json.dumps(secret).strip('"').encode()
    yield quote(secret).encode()
    yield repr(secret.encode())[2:-1].encode()


NEEDLES = {form for secret in SECRETS for form in forms(secret) if len(form) >= 6}


def found_in(places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where anything planted lies."""
    return sorted({where for where, content in places if any(needle in content for needle in NEEDLES)})


async def everything_on(kafka: str) -> list[tuple[str, bytes]]:
    """Every record of every topic, ours or not: key, headers, value."""
    lanes = await _lanes(kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(lanes)
        ends = await consumer.end_offsets(lanes)
        read: list[tuple[str, bytes]] = []
        while any([await consumer.position(lane) < ends[lane] for lane in lanes]):
            for lane, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    heads = [name.encode() + b"\n" + (value or b"") for name, value in record.headers]
                    raw = b"\n".join((record.key or b"", record.value or b"", *heads))
                    read.append((f"topic {lane.topic}", raw))
        return read
    finally:
        await consumer.stop()


async def _lanes(kafka: str) -> list[TopicPartition]:
    async with admin(kafka) as client:
        topics = await client.describe_topics([name for name in await client.list_topics() if name[:2] != "__"])
    return [TopicPartition(topic["topic"], lane["partition"]) for topic in topics for lane in topic["partitions"]]


async def everything_stored(database: str) -> list[tuple[str, bytes]]:
    """Every value of every table of every schema, as text and, where it is packed, unpacked."""
    connection = await asyncpg.connect(database)
    values: list[tuple[str, bytes]] = []
    try:
        tables = await connection.fetch(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        for schema, table in tables:
            for row in await connection.fetch(f'select * from "{schema}"."{table}"'):
                for column, value in row.items():
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    values.append((f"{schema}.{table}.{column}", raw))
                    if column == "said" and raw:
                        values.append((f"{schema}.{table}.{column}", zlib.decompress(raw)))
    finally:
        await connection.close()
    return values


def everything_logged(logs: Path) -> list[tuple[str, bytes]]:
    return [(f"log {file.name}", file.read_bytes()) for file in logs.rglob("*") if file.is_file()]
