"""The vault: what is sealed opens for its row and key only, and nothing that identifies anybody lies anywhere else."""

from __future__ import annotations

import hmac
import json
import zlib
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from services.chassis import own_work
from services.chassis.errors import WrongSettings
from services.chassis.sealing import CannotOpen, derived, needed_keys
from services.intake.ledger import SHOW_LEDGER
from services.intake.vault import Find, Vault
from tests.stores.intake_world import (
    KEY,
    World,
    a_household,
    a_number,
    a_person,
    a_test,
    intake,
    one_of_each,
    settings_of,
)


@pytest.mark.parametrize("key", [None, "", "short", "0:" + KEY, f"1:{KEY} 1:{KEY}", "999:" + KEY])
def test_a_key_that_cannot_be_right_is_refused_in_words(key: str | None) -> None:
    with pytest.raises(WrongSettings, match="GRIDWARD_VAULT_KEY"):
        needed_keys(settings_of("postgresql://nowhere/x", vault_key=key))


def test_the_key_is_read_from_a_file_as_containers_are_given_secrets(tmp_path: Path) -> None:
    file = tmp_path / "vault-key"
    file.write_text(f"2:{KEY}\n1:{'o' * 32}\n")
    keys = needed_keys(settings_of("postgresql://nowhere/x", vault_key=None, vault_key_file=file))
    assert (keys.first, keys.secrets) == (2, {2: KEY.encode(), 1: b"o" * 32})
    for key, path in ((KEY, file), (None, tmp_path / "none")):
        with pytest.raises(WrongSettings, match="GRIDWARD_VAULT_KEY_FILE"):
            needed_keys(settings_of("postgresql://nowhere/x", vault_key=key, vault_key_file=path))


def test_what_is_sealed_opens_for_its_own_row_only() -> None:
    vault = Vault({1: b"k" * 32})
    sealed = vault.seal(b"plain", "person-1")
    assert vault.open(sealed, "person-1") == b"plain"
    altered = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    for wrong, row in ((sealed, "person-2"), (altered, "person-1"), (b"\x07" + sealed[1:], "person-1")):
        with pytest.raises(CannotOpen):
            vault.open(wrong, row)


def test_who_is_found_is_found_by_hmac_sha256() -> None:
    vault = Vault({1: b"k" * 32})
    mac = hmac.digest(derived(b"k" * 32, b"find"), b"phone\x0013912345678", "sha256")
    assert vault.finds("phone", "13912345678") == (Find(mac[:16], 1),)
    assert vault.bucket("phone", "13912345678") == int.from_bytes(mac[:4]) >> 20


async def test_nothing_that_identifies_anybody_is_anywhere_outside_the_vault_s_seals(
    database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    planted = {"name": "欧阳不可见", "phone": "13912345678", "id_number": a_number(77), "birth_date": "1950-01-01"}
    secret = ["欧阳不可见", "13912345678", a_number(77), "ref-不可见", "人民路 77 号", "door-77", "1950-01-01"]
    someone = {"person": planted, "person_ref": "ref-不可见"}
    records = [{**each, **(someone if "person" in each else {})} for each in one_of_each(77)]
    records[0] = a_household(77, 77)
    records[0]["members"][0] |= someone
    damaged = [{**each, "source_id": f"bad-{n}", "division_code": "999999"} for n, each in enumerate(records)]
    damaged.append({**records[3], planted["name"]: planted["phone"], "a\0b": 1})
    async with intake(database) as world:
        words = await world.words(*records, *damaged, json.dumps(someone).encode()[:-1])
        await world.client.post("/people/lookups", json={"purpose": "look for leaks", "id_numbers": [a_number(77)]})
        async with own_work.transaction(world.app) as turn:
            await SHOW_LEDGER.run(turn.tx, turn.now)
        stored = await _everything(world)
    assert words == ["accepted"] * len(records) + ["rejected"] * (len(records) + 2)
    said = generate_latest() + "".join(capfd.readouterr()).encode()
    for text in secret:
        for form in (text.encode(), json.dumps(text).strip('"').encode(), text.encode("utf-16-le")):
            assert not [where for where, value in stored if form in value], text
            assert form not in said


async def _everything(world: World) -> list[tuple[str, bytes]]:
    """Every value of every column of every table, as text and, where it is packed, unpacked."""
    tables = await world.pool.fetch("select tablename from pg_tables where schemaname = 'intake'")
    values: list[tuple[str, bytes]] = []
    for (table,) in tables:
        for row in await world.pool.fetch(f'select * from "{table}"'):
            for column, value in row.items():
                raw = value if isinstance(value, bytes) else str(value).encode()
                values.append((f"{table}.{column}", raw))
                if column == "said":
                    values.append((f"{table}.{column}", zlib.decompress(raw)))
    columns = {column for column, _ in values}
    assert {"records.said", "outbox.record", "vault_persons.sealed", "vault_rejects.sealed"} <= columns
    return values


async def test_a_fault_of_the_database_is_logged_without_what_was_sent(database: str) -> None:
    with capture_logs() as lines:
        await _sent_into_a_fault(database)
    faults = [line for line in lines if line["event"] == "admission failed"]
    assert [fault["error"] for fault in faults] == ["RaiseError"] and "王某" not in str(lines)


async def _sent_into_a_fault(database: str) -> None:
    async with intake(database) as world:
        await world.pool.execute(
            f"""create function fail() returns trigger language plpgsql as
                $$ begin raise exception 'row of {a_person(1)["person"]["name"]} refused'; end $$;
                create trigger fail before insert on vault_persons for each row execute function fail()"""
        )
        answer = await world.client.post("/records", json=a_test(1, 1))
        assert await world.pool.fetchval("select count(*) from ledger") == 0
        await world.pool.execute("drop trigger fail on vault_persons")
        assert await world.words(a_test(1, 1)) == ["accepted"]
    assert answer.status_code == 500 and "send them again" in answer.text and "王某" not in answer.text
