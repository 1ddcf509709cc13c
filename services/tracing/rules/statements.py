"""The names of what is derived: the same thing about the same person is the same statement, revised or withdrawn."""

from __future__ import annotations

import hashlib

from contracts.exercise import MARK, is_apart

MAX_LENGTH = 64


def statement_id(kind: str, *parts: str) -> str:
    """`care:<placement>` and its like; hashed where the ids of others make it longer than a statement's id may be."""
    plain = ":".join((kind, *parts))
    if len(plain) <= MAX_LENGTH:
        return plain
    mark = MARK if any(map(is_apart, parts)) else ""
    return f"{kind}:{mark}{hashlib.blake2b(plain.encode(), digest_size=20).hexdigest()}"
