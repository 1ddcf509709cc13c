"""Topics are a closed set: every fact lies in one of them, said by one service, in a number of lanes that is fixed."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml

from contracts.envelope import REGISTRY, Fact
from contracts.topics import BY_KEY, OF_FACT, SERVICES, TOPICS, Topic, heard_by, said_by
from deploy.contracts.breaking import lanes
from deploy.contracts.published import ASYNCAPI, CONTRACTS

FACTS = sorted(REGISTRY.facts.values(), key=lambda fact: fact.type)
IDENTITY = {"name", "phone", "mobile", "address", "birthday", "passport", "card", "email", "plate"}

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.key)
each_fact = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.type)


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def test_every_fact_lies_in_exactly_one_topic() -> None:
    assert Counter(fact.type for topic in TOPICS for fact in topic.events) == Counter(REGISTRY.facts.keys())
    assert OF_FACT.keys() == set(FACTS)


@each_topic
def test_a_topic_is_named_in_kebab_case_without_dot_or_underscore(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", topic.key)
    assert BY_KEY[topic.key] is topic


@each_topic
def test_a_topic_is_said_by_one_service_and_heard_by_others(topic: Topic) -> None:
    assert topic.producer in SERVICES
    assert topic.consumers
    assert set(topic.consumers) <= set(SERVICES) - {topic.producer}
    assert topic in said_by(topic.producer)
    assert all(topic in heard_by(service) for service in topic.consumers)


@each_topic
def test_the_facts_of_a_topic_are_ordered_by_one_key(topic: Topic) -> None:
    assert len({fact.key_field for fact in topic.events}) == 1


@each_topic
def test_a_topic_says_why_it_is_there(topic: Topic) -> None:
    assert len(topic.why) > 10


def test_lanes_producers_and_consumers_are_as_published() -> None:
    published = lanes(yaml.safe_load((CONTRACTS / ASYNCAPI).read_text(encoding="utf-8")))
    assert {key: (lane.partitions, lane.producer, lane.consumers) for key, lane in published.items()} == {
        topic.key: (topic.partitions, topic.producer, topic.consumers) for topic in TOPICS
    }


def test_a_subject_has_the_same_lane_in_every_version() -> None:
    """CRC-32 of "123456789" is CBF43926 by the standard; another checksum would break the order of every key."""
    six = BY_KEY["screenings"]
    assert six.partitions == 6
    assert six.partition_of("123456789") == 0xCBF43926 % 6
    assert {six.partition_of(f"person {number}") for number in range(200)} == set(range(6))


@each_fact
def test_a_wire_type_is_the_class_name_in_kebab_case(fact: type[Fact]) -> None:
    assert fact.type == kebab(fact.__name__)


@each_fact
def test_the_key_of_a_fact_is_a_field_that_is_always_there(fact: type[Fact]) -> None:
    key = fact.model_fields[fact.key_field]
    assert key.is_required() or key.default


@each_fact
def test_no_fact_has_a_field_for_who_a_person_is(fact: type[Fact]) -> None:
    definitions = fact.model_json_schema()
    models = [definitions, *definitions.get("$defs", {}).values()]
    words = {word for model in models for field in model.get("properties", {}) for word in field.split("_")}
    assert not words & IDENTITY
    assert fact.model_config.get("extra") == "forbid"


@each_fact
def test_every_instant_is_named_as_one(fact: type[Fact]) -> None:
    for model in (schema := fact.model_json_schema(), *schema.get("$defs", {}).values()):
        for name, field in model.get("properties", {}).items():
            formats = {kind.get("format") for kind in (field, *field.get("anyOf", []))}
            assert name.endswith(("_at", "_from")) == ("date-time" in formats), name
