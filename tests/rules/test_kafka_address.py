"""How Kafka is reached: its address in all its forms, and what is wrong with one told in words."""

from __future__ import annotations

import pytest

from services.chassis.errors import WrongSettings
from services.chassis.kafka import address_of, how_to_reach
from services.chassis.settings import Settings

PASSWORD = "p@ss/w:rd 1"  # noqa: S105 - of nothing
CODED = "p%40ss%2Fw%3Ard%201"


def test_a_plain_address_is_what_it_was() -> None:
    how = how_to_reach("kafka-1:9092,kafka-2:9092")
    assert (how["bootstrap_servers"], how["security_protocol"]) == (["kafka-1:9092", "kafka-2:9092"], "PLAINTEXT")


@pytest.mark.parametrize("servers", ["kafka", "10.0.0.1:9092, b.example:9093", "[::1]:9092"])
def test_servers_may_be_written_as_the_client_takes_them(servers: str) -> None:
    assert how_to_reach(servers)["bootstrap_servers"] == servers.split(", ")


def test_an_address_with_all_that_it_may_have_is_taken_to_pieces() -> None:
    found = address_of(f"kafka+tls://grid:{CODED}@a:9093,[::1]:9094?ca=/etc/ca%20x.pem&mechanism=PLAIN")
    assert (found.servers, found.tls, found.user, found.password) == (("a:9093", "[::1]:9094"), True, "grid", PASSWORD)
    assert (found.options["ca"], found.mechanism) == ("/etc/ca x.pem", "PLAIN")


def test_sasl_without_tls_is_by_scram_where_nothing_else_is_said() -> None:
    how = how_to_reach(f"kafka://grid:{CODED}@a:9092")
    assert (how["security_protocol"], how["sasl_mechanism"]) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")
    assert (how["sasl_plain_username"], how["sasl_plain_password"]) == ("grid", PASSWORD)


@pytest.mark.parametrize(
    ("kafka", "words"),
    [
        ("", "no server of Kafka"),
        ("a:99999", "'a:99999' is no server of Kafka"),
        ("kafka:90:92", "no server of Kafka"),
        ("a:9092,b:port", "'b:port' is no server of Kafka"),
        ("https://a:9092", "write host:port"),
        ("kafka+tls://grid@a:9092", "has a password"),
        ("kafka+tls://grid:pa/ss@a:9092", "percent-encoded"),
        ("kafka+tls://a:9092?cafile=x", "has no cafile: there are ca"),
        ("kafka+tls://a:9092?ca=/nowhere/ca.pem", "certificate of Kafka's address cannot be used"),
        ("kafka://a:9092?ca=x", "begin Kafka's address with kafka\\+tls://"),
        ("kafka+tls://grid:x@a:9092?mechanism=GSSAPI", "mechanism=GSSAPI is unknown"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_at_the_start_without_the_password(
    monkeypatch: pytest.MonkeyPatch, kafka: str, words: str
) -> None:
    monkeypatch.setenv("GRIDWARD_KAFKA", kafka)
    monkeypatch.setenv("GRIDWARD_DATABASE", "postgresql://x")
    monkeypatch.setenv("GRIDWARD_TOKEN_KEY", "k" * 32)
    with pytest.raises(WrongSettings, match=words) as refused:
        Settings.from_environment()
    assert "GRIDWARD_KAFKA: " in str(refused.value) and "pa/ss" not in str(refused.value)


def test_the_password_is_not_shown_with_the_settings() -> None:
    settings = Settings(kafka=f"kafka://grid:{CODED}@a:9092", database="postgresql://x", token_key="k" * 32)
    assert CODED not in repr(settings)
