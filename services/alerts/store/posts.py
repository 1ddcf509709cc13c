"""Posts by line and division, and the messages in their inboxes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis.database import Tx


@dataclass(frozen=True)
class Post:
    """A post on a line: for a division, or for a unit (an institution) of it."""

    post_id: str
    line: str
    division_code: str
    unit: str | None
    title: str
    holder: bytes | None = None
    channel: bytes | None = None


async def save_posts(tx: Tx, posts: Sequence[Post]) -> None:
    """Posts as given; a post with the same id is replaced."""
    await tx.execute(
        """insert into posts select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
             $6::bytea[], $7::bytea[])
           on conflict (post_id) do update set line = excluded.line, division_code = excluded.division_code,
             unit = excluded.unit, title = excluded.title, holder = excluded.holder, channel = excluded.channel""",
        *[[getattr(each, name) for each in posts] for name in Post.__dataclass_fields__],
    )


async def load_lines(tx: Tx, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Post]]:
    """The posts for each (line, division or one above it), the lowest first; units beside their division."""
    asked = {(line, code[:n]) for line, code in wanted for n in range(2, len(code) + 1)}
    rows = await tx.fetch(
        """select p.post_id, p.line, p.division_code, p.unit, p.title from posts p
           join unnest($1::text[], $2::text[]) x(line, division_code) using (line, division_code) order by post_id""",
        [line for line, _ in asked],
        [code for _, code in asked],
    )
    found: dict[tuple[str, str], list[Post]] = defaultdict(list)
    for row in rows:
        found[row["line"], row["division_code"]].append(Post(**row))
    return found


def rungs(found: dict[tuple[str, str], list[Post]], line: str, division: str, unit: str | None) -> list[Post]:
    """The rungs of a line for a division: the unit's post first, then one post a level, upward; gaps are skipped."""
    ladder = [post for n in range(len(division), 1, -1) for post in found.get((line, division[:n]), ())]
    own = [post for post in ladder if post.unit is not None and post.unit == unit]
    levels: dict[str, Post] = {}
    for post in ladder:
        if post.unit is None:
            levels.setdefault(post.division_code, post)
    return own[:1] + list(levels.values())


async def save_messages(tx: Tx, now: datetime, digests: Sequence[tuple[Post, list[dict[str, Any]]]]) -> None:
    """One message a post: every item that it is told of at this instant."""
    await tx.execute(
        """insert into messages select x.post_id, $1, x.line, x.items::jsonb
           from unnest($2::text[], $3::text[], $4::text[]) x(post_id, line, items)""",
        now,
        [post.post_id for post, _ in digests],
        [post.line for post, _ in digests],
        [json.dumps(items) for _, items in digests],
    )


async def load_inbox(tx: Tx, post_id: str | None, division: str, limit: int) -> list[dict[str, Any]]:
    """The newest messages of a post, or of every post under a division: post, when, title, items."""
    rows = await tx.fetch(
        """select m.post_id, p.title, p.division_code, m.line, m.sent_at, m.items from messages m
             join posts p using (post_id)
           where ($1::text is null or m.post_id = $1) and starts_with(p.division_code, $2)
           order by m.sent_at desc, m.post_id limit $3""",
        post_id,
        division,
        limit,
    )
    return [{**dict(r), "items": json.loads(r["items"])} for r in rows]
