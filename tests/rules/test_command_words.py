"""`gridward` at a mistake: a token is made for what was meant, or for nothing; help promises what is there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import Result
from pydantic import SecretStr
from typer.testing import CliRunner

from contracts.policy import retention
from services.__main__ import app
from services.chassis.access import ROLES, read_token

KEY = "k" * 32


def gridward(*words: str) -> Result:
    return CliRunner().invoke(app, words, env={"GRIDWARD_TOKEN_KEY": KEY, "COLUMNS": "200", "TERM": "dumb"})


@pytest.mark.parametrize(
    ("words", "division"), [(("--division", "3304"), "3304"), (("--everywhere",), "")], ids=["division", "everywhere"]
)
def test_a_token_covers_what_it_was_made_for(words: tuple[str, ...], division: str) -> None:
    made = gridward("token", "desk", "--role", "sender", "--role", "operator", *words)
    caller = read_token(SecretStr(KEY), made.output.strip())
    assert (caller.name, caller.roles, caller.division) == ("desk", {"sender", "operator"}, division)


@pytest.mark.parametrize("words", [(), ("--division", ""), ("--division", "33", "--everywhere")])
def test_a_token_for_everywhere_has_to_be_asked_for(words: tuple[str, ...]) -> None:
    refused = gridward("token", "desk", "--role", "sender", *words)
    assert refused.exit_code == 2
    assert "--division CODE, with all below it, or else --everywhere" in refused.output


def test_a_role_that_does_not_exist_is_refused_with_those_that_do() -> None:
    refused = gridward("token", "desk", "--role", "sendr", "--division", "33")
    assert refused.exit_code == 2
    assert f"no role 'sendr': give --role one of {', '.join(ROLES)}" in refused.output
    told = gridward("token", "--help").output
    assert all(role in told for role in ROLES)


def test_the_help_of_forget_says_that_no_policy_states_days() -> None:
    assert retention(datetime.now(UTC), "").days is None
    assert "no policy states a number" in gridward("forget", "--help").output


def test_a_token_that_no_service_would_take_is_not_made() -> None:
    refused = gridward("token", "", "--role", "sender", "--division", "33")
    assert refused.exit_code == 2
    assert "say who it is for" in refused.output


@pytest.mark.parametrize("division", ["33042", "Jiashan"])
def test_forget_takes_no_beginning_of_a_code_for_a_division(division: str) -> None:
    order = ("--days", "60", "--by", "data office", "--reason", "order 12")
    refused = gridward("forget", *order, "--division", division)
    assert refused.exit_code == 2
    assert f"'{division}' is no division's code: give --division one of" in refused.output
