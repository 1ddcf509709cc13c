"""Which statements of a batch touch nothing else that is known or said: nearly all of a busy hour, counted briefly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from services.rollup.rules.counting import Key, Known, Said


def repeated(names: Iterable[str]) -> set[str]:
    """Those that occur more than once."""
    return {name for name, times in Counter(names).items() if times > 1}


def divided(said: Sequence[Said], known: Mapping[str, Known]) -> tuple[list[Said], list[Said]]:
    """The statements that are new and share no subject within the batch, and the others; each in the order read.

    known: what is held of those that were met before.
    """
    names = [one.statement for one in said]
    keys = list(chain.from_iterable(one.rows for one in said))
    if not known and len(set(names)) == len(names) and len(set(keys)) == len(keys):
        return list(said), []
    odd = known.keys() | repeated(names)
    shared: set[Key] = {key for key, times in Counter(keys).items() if times > 1}
    shared.update(*(one.keys for one in known.values()))
    plain, others = list[Said](), list[Said]()
    for one in said:
        (others if one.statement in odd or not shared.isdisjoint(one.rows) else plain).append(one)
    return plain, others
