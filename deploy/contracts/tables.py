"""Tables of the README, made from the declarations, between `<!-- name:begin -->` and `<!-- name:end -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from contracts.topics import TOPICS
from services.chassis.settings import Settings


def topics_table() -> str:
    """Markdown: each topic with its events, who says it, who hears it, how it is cut, and why."""
    rows = (
        (
            f"`{topic.key}`",
            ", ".join(f"`{fact.__name__}`" for fact in topic.events),
            topic.producer,
            ", ".join(topic.consumers),
            topic.partitions,
            topic.why,
        )
        for topic in TOPICS
    )
    return _table(("topic", "events", "from", "to", "partitions", "why"), rows)


def settings_table() -> str:
    """Markdown: each setting by the name of its variable, its default, and what it decides."""
    prefix = Settings.model_config["env_prefix"]
    rows = (
        (f"`{prefix}{name.upper()}`", _shown(field.default), field.description)
        for name, field in Settings.model_fields.items()
    )
    return _table(("setting", "default", "what it decides"), rows)


TABLES: dict[str, Callable[[], str]] = {"topics": topics_table, "settings": settings_table}


def with_tables(text: str) -> str:
    """The text with every table between its markers made anew; where markers are missing it stays as it is."""
    for name, table in TABLES.items():
        between = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text = between.sub(rf"\g<1>{table().replace(chr(92), chr(92) * 2)}\g<2>", text)
    return text


def homeless(documents: str) -> list[str]:
    """A line for each table that has no markers in any document."""
    return [
        f"the table {name} stands in no document: write the lines <!-- {name}:begin --> and <!-- {name}:end --> in one"
        for name in TABLES
        if f"<!-- {name}:begin -->" not in documents
    ]


def _shown(default: Any) -> str:
    if default is PydanticUndefined:
        return "must be set"
    if default is None or isinstance(default, SecretStr):
        return ""
    return f"`{default}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
