"""Promise 9 attacked: what a caller is told does not depend on any row outside his or her division.

For each caller there is a copy of the database in which the others' rows were never there: each route, in each role,
and each statement as the role of callers must answer alike on both. The limit: what a caller may see is told to
PostgreSQL by the service, so whoever could run SQL of his own choice on its connection could tell it something else; no
route takes SQL, and every query is text of the code with parameters.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from contracts.topics import SERVICES
from services.chassis.access import Caller
from tests.journeys.town import KEY
from tests.servers import Background, in_database
from tests.stores.rows_asked import NAMES, ROLES, all_questions, asked_of, named, questions
from tests.stores.rows_sql import (
    CLAIMS,
    NO_WAY_OUT,
    STATEMENTS,
    Worlds,
    outcome,
    shown,
    sweep,
    tables_of,
    without_policies,
)
from tests.stores.rows_world import ALL_ROLES, CALLERS, SIBLINGS, both, people_of, token_for, worlds

EXAMPLES = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def made(background: Background, postgres: str) -> Iterator[Worlds]:
    name = f"test_{uuid.uuid4().hex}"

    async def dba(statement: str) -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(statement)
        await connection.close()

    background.run(dba(f"create database {name}"))
    with background.opened(worlds(postgres, in_database(postgres, name))) as (full, alone):
        yield full, alone, list(background.run(people_of(full)))
    background.run(dba(f"drop database {name} with (force)"))


def attack(
    background: Background, made: Worlds, question: Any, caller: str, who: tuple[frozenset[str], str]
) -> tuple[Any, Any]:
    """What is told in the full world, and in the copy without the others' rows."""
    full, alone, people = made
    service, path, query = asked_of(question, people)
    own = list(background.run(people_of(alone[caller])))
    token = token_for(caller, who[0], named(who[1], own))
    told, expected = background.run(
        both(full.ask(token, service, path, **dict(query)), alone[caller].ask(token, service, path, **dict(query)))
    )
    background.run(both(full.forget_looks(), alone[caller].forget_looks()))
    return told, expected


@EXAMPLES
@given(questions(), st.sampled_from(CALLERS), st.tuples(ROLES, NAMES))
def test_no_answer_depends_on_a_row_outside_the_callers_division(
    background: Background, made: Worlds, question: Any, caller: str, who: tuple[frozenset[str], str]
) -> None:
    told, expected = attack(background, made, question, caller, who)
    assert told == expected
    assert told[0] < 500


OF_NOBODY = {
    *("/healthz", "/readyz", "/metrics", "/books", "/", "/records/schema", "/people/fields", "/fhir/metadata"),
    *("/sheets", "/find", "/mappings", "/mappings/{name}/template.{suffix}"),
}
"""What is no row of a division: health and books, pages, forms and templates."""


def test_every_route_that_reads_is_attacked(background: Background, made: Worlds) -> None:
    asked = set[tuple[str, str]]()

    @settings(max_examples=3, deadline=None)
    @given(all_questions())
    def collect(each: list[Any]) -> None:
        asked.update((service, path.replace("{person}", "0")) for service, path, _ in each)

    collect()
    there = made[0].routes()
    attacked = {each for each in there if any(one == each[0] and _is_of(each[1], address) for one, address in asked)}
    assert len(attacked) >= 25
    assert {path for _, path in there - attacked} == OF_NOBODY


def _is_of(path: str, address: str) -> bool:
    return re.fullmatch(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(path)), address) is not None


def test_the_attack_meets_rows_and_finds_a_leak_when_policies_are_taken_away(
    background: Background, made: Worlds
) -> None:
    every = (ALL_ROLES, "desk")
    for asked, table in (
        (("tracing", "/states", {}), "states"),
        (("alerts", "/clocks", {"verdict": "late"}), "clocks"),
    ):
        told, expected = attack(background, made, asked, "330421", every)
        assert told == expected and "330421001001" in told[1] and "330402" not in told[1]
        with without_policies(background, made[0], f"{asked[0]}.{table}"):
            told, expected = attack(background, made, asked, "330421", every)
        assert told != expected and "330402" in told[1]

    told, expected = attack(background, made, ("tracing", "/states", {}), SIBLINGS[0], every)
    assert told == expected and SIBLINGS[0] in told[1] and SIBLINGS[1] not in told[1]

    @settings(EXAMPLES, phases=[Phase.generate], derandomize=True)
    @given(questions(), st.sampled_from(CALLERS), st.tuples(ROLES, NAMES))
    def find(question: Any, caller: str, who: tuple[frozenset[str], str]) -> None:
        told, expected = attack(background, made, question, caller, who)
        assert told == expected

    with without_policies(background, made[0]), pytest.raises(AssertionError):
        find()


def test_no_table_shows_the_role_of_callers_a_row_outside_and_a_table_without_its_policy_is_found(
    background: Background, made: Worlds
) -> None:
    tables = list(background.run(tables_of(made[0])))
    found = background.run(sweep(made, tables))
    assert not found["leaks"]
    assert len(found["shown"]) >= 25, found["shown"]
    with without_policies(background, made[0]):
        open_to_all = background.run(sweep(made, tables))
    assert open_to_all["leaks"] >= {"intake.vault_persons", "intake.records", "tracing.tests", "alerts.posts"}


@EXAMPLES
@given(st.data(), st.sampled_from(CALLERS), ROLES, st.sampled_from(STATEMENTS))
def test_no_statement_as_the_role_of_callers_gives_or_changes_a_row_outside(
    background: Background, made: Worlds, data: st.DataObject, caller: str, roles: frozenset[str], statement: str
) -> None:
    service, names = data.draw(st.sampled_from(list(background.run(tables_of(made[0])))))
    who, text = Caller("desk", roles, caller), statement.format(**names)
    told, expected = background.run(
        both(outcome(made[0], service, who, text), outcome(made[1][caller], service, who, text))
    )
    assert told == expected, text


async def test_a_session_that_is_the_role_of_callers_becomes_nobody_else_and_sees_nothing_unclaimed(
    background: Background, made: Worlds
) -> None:
    tables = list(background.run(tables_of(made[0])))
    db = await asyncpg.connect(made[0].dsn)
    try:
        owner, role = await db.fetchrow("select current_user, current_user || '_caller'")
        await db.execute(f"set session authorization {role}")
        assert await shown(db, tables) <= {
            "rollup.checks",
            "intake.seal_keys",
            "alerts.seal_keys",
        }  # no rows of divisions
        await db.execute(CLAIMS)
        assert len(await shown(db, tables)) > 25
        for statement in NO_WAY_OUT:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement.replace("{owner}", owner).replace("{role}", role))
            await db.execute("set row_security = on")
    finally:
        await db.close()


FORGED = (
    st.sampled_from(
        ["%", "33%", "33'", "33' or true", "33\0", "{33}", "3304j1", "None", "null", " ", "33" * 5_000, "３３"]
    )
    | st.text(min_size=1).filter(lambda text: not (text.isascii() and text.isdigit() and len(text) in (2, 4, 6, 9, 12)))
    | st.lists(st.sampled_from(["33", ""]), max_size=2)
    | st.none()
    | st.integers(100, 999)
    | st.dictionaries(st.just("33"), st.just(""), min_size=1)
)


@EXAMPLES
@given(
    FORGED,
    st.sampled_from([("rollup", "/indicators"), ("alerts", "/clocks"), ("tracing", "/states"), ("intake", "/keys")]),
)
def test_a_token_with_a_forged_division_is_nobodys(
    background: Background, made: Worlds, division: Any, route: tuple[str, str]
) -> None:
    claims = {"sub": "x", "roles": ["operator"], "division": division, "exp": int(time.time() + 60)}
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(KEY.get_secret_value()))
    status, told = background.run(made[0].ask(token, *route))
    assert status == 401, told


def _signed(claims: dict[str, Any], key: str = KEY.get_secret_value(), alg: str = "HS256") -> str:
    told = {"sub": "desk", "roles": ["operator"], "division": "", "exp": int(time.time() + 60)} | claims
    kept = {name: value for name, value in told.items() if value is not None}
    return jwt.encode({"alg": alg}, kept, OctKey.import_key(key), algorithms=[alg])


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_that_is_forged_expired_or_for_somebody_else_is_nobodys(
    background: Background, made: Worlds, service: str
) -> None:
    head, body, signature = _signed({"division": "330421"}).split(".")
    wider = _part({"sub": "desk", "roles": ["operator"], "division": "", "exp": int(time.time() + 60)})
    forged = {
        "expired": _signed({"exp": int(time.time() - 1)}),
        "of no end": _signed({"exp": None}),
        "of nobody": _signed({"sub": None}),
        "of no division": _signed({"division": None}),
        "of no roles": _signed({"roles": None}),
        "not yet": _signed({"nbf": int(time.time() + 600)}),
        "for another audience": _signed({"aud": "another"}),
        "of another key": _signed({}, key="x" * 40),
        "of another algorithm": _signed({}, alg="HS512"),
        "widened": f"{head}.{wider}.{signature}",
        "unsigned": f"{_part({'alg': 'none'})}.{wider}.",
        "without its signature": f"{head}.{body}.",
        "no token": "a.b.c",
    }
    path = {"intake": "/keys", "tracing": "/states", "alerts": "/clocks", "rollup": "/drift"}[service]
    for why, token in forged.items():
        assert background.run(made[0].ask(token, service, path))[0] == 401, why
    assert background.run(made[0].ask(_signed({"aud": "gridward"}), service, path))[0] == 200
