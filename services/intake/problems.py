"""What is wrong with a record, in words that say what would be right; in English and Chinese, never with the value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from pydantic_core import ErrorDetails

Language = Literal["en", "zh"]
TEXTS: Mapping[str, Mapping[str, tuple[str, str]]] = tomllib.loads(
    files("services.intake").joinpath("texts.toml").read_text(encoding="utf-8")
)
MOST = 20
"""Problems told of one record; mending these shows the rest."""


class Problem(NamedTuple):
    """field: where in the record (`members[0].person.id_number`), "" for the whole. code: a key of TEXTS."""

    field: str
    code: str
    params: Mapping[str, str | int | float] = {}

    def told(self, language: Language) -> dict[str, str]:
        """As it stands in a verdict."""
        why, right = (text.format(**self.params) for text in TEXTS[self.code][language])
        return {"field": self.field, "why": why, "would_be_right": right}


class Refused(Exception):
    """A record cannot be taken; `problems` say why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = problems


def language_of(accept_language: str) -> Language:
    """The language that an Accept-Language header puts first among ours."""
    weighed = []
    for place, part in enumerate(accept_language.lower().split(",")):
        tag, _, weight = part.strip().partition(";q=")
        if tag[:2] in ("en", "zh"):
            weighed.append((-_weight(weight), place, tag[:2]))
    return "zh" if weighed and min(weighed)[2] == "zh" else "en"


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


# Types of pydantic -> our code. What stands in `ctx` of these errors is the rule, never the sender's value.
_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "json_invalid": "not_json",
    "enum": "not_one_of",
    "literal_error": "not_one_of",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_few",
    "too_long": "too_many",
    "greater_than_equal": "too_low",
    "less_than_equal": "too_high",
    "finite_number": "not_number",
    "float_type": "not_number",
    "int_type": "not_whole",
    "int_parsing_size": "not_whole",
    "bool_type": "not_bool",
    "string_type": "not_text",
    "string_pattern_mismatch": "not_printed",
    "tuple_type": "not_list",
    "model_type": "not_object",
    "dict_type": "not_object",
}
_PARAMS = ("expected", "min_length", "max_length", "ge", "le")


def problems_of(errors: Iterable[ErrorDetails]) -> tuple[Problem, ...]:
    """Pydantic's errors as problems; what no code is known for is told in general words."""
    return tuple(_problem(error) for error in errors)[:MOST]


def _problem(error: ErrorDetails) -> Problem:
    field, kind = field_name(error["loc"]), error["type"]
    code = kind if kind in TEXTS else _CODES.get(kind, "wrong")
    if code == "not_printed" and field == "feed":
        code = "feed_form"
    rule: Mapping[str, Any] = error.get("ctx", {})
    return Problem(field, code, {name: rule[name] for name in _PARAMS if name in rule})


def field_name(location: Iterable[str | int]) -> str:
    """`members[0].person.name`; a name that the sender made up is cut short and told in printed characters."""
    name = ""
    for step in location:
        name += f"[{step}]" if isinstance(step, int) else f".{_printed(step[:40])}"
    return name.removeprefix(".")


def _printed(text: str) -> str:
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
