"""Posts by line and division, and the messages in their inboxes."""

from __future__ import annotations

import json
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
    """Posts as given; one with the same id is replaced. The teller is to meet those that are new in their place."""
    await tx.execute(
        """insert into posts (post_id, line, division_code, unit, title, holder, channel, met)
           select *, false from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
             $6::bytea[], $7::bytea[])
           on conflict (post_id) do update set line = excluded.line, division_code = excluded.division_code,
             unit = excluded.unit, title = excluded.title, holder = excluded.holder, channel = excluded.channel,
             met = posts.met and (posts.line, posts.division_code, posts.unit) is not distinct from
               (excluded.line, excluded.division_code, excluded.unit)""",
        *[[getattr(each, name) for each in posts] for name in Post.__dataclass_fields__],
    )


async def load_after(tx: Tx, after: str, limit: int) -> list[Post]:
    """In the order of their ids, locked."""
    rows = await tx.fetch(
        f"""select {", ".join(Post.__dataclass_fields__)} from posts
            where post_id > $1 order by post_id limit $2 for update""",  # noqa: S608
        after,
        limit,
    )
    return [Post(**row) for row in rows]


async def sealing_versions(tx: Tx) -> list[int]:
    """Versions of the keys that sealed anything: the first byte of what is sealed."""
    rows = await tx.fetch(
        "select distinct get_byte(sealed, 0) from posts, unnest(array[holder, channel]) sealed where sealed is not null"
    )
    return [row[0] for row in rows]


Where = tuple[str, str, str | None]
"""line, division, unit"""


async def meet_new(tx: Tx) -> list[Where]:
    """Where there are posts that the teller has not met, now met."""
    rows = await tx.fetch("update posts set met = true where not met returning line, division_code, unit")
    return [(row["line"], row["division_code"], row["unit"]) for row in rows]


async def load_ladders(tx: Tx, asked: Iterable[Where]) -> dict[Where, list[Post]]:
    """The rungs for each: the unit's own post and up from where it lies, else up from the division; gaps skipped."""
    wanted = set(asked)
    units = await _units(tx, {(line, unit) for line, _, unit in wanted if unit})
    starts = {key: units.get((key[0], key[2] or "")) for key in wanted}
    codes = {key: post.division_code if post else key[1] for key, post in starts.items()}
    found = await _by_division(tx, {(line, codes[line, code, unit]) for line, code, unit in wanted})
    return {
        key: [
            *([own] if own else []),
            *(found[key[0], code] for code in _upward(codes[key]) if (key[0], code) in found),
        ]
        for key, own in starts.items()
    }


def _upward(code: str) -> list[str]:
    return [code[:n] for n in range(len(code), 1, -1)]


async def _units(tx: Tx, units: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Post]:
    asked = sorted(units)
    rows = await tx.fetch(
        f"""select {_SHOWN} from posts p join unnest($1::text[], $2::text[]) x(line, unit) using (line, unit)
            order by post_id desc""",  # noqa: S608
        [line for line, _ in asked],
        [unit for _, unit in asked],
    )
    return {(row["line"], row["unit"]): Post(**row) for row in rows}


async def _by_division(tx: Tx, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Post]:
    asked = sorted({(line, above) for line, code in places for above in _upward(code)})
    rows = await tx.fetch(
        f"""select {_SHOWN} from posts p join unnest($1::text[], $2::text[]) x(line, division_code)
              using (line, division_code) where unit is null order by post_id desc""",  # noqa: S608
        [line for line, _ in asked],
        [code for _, code in asked],
    )
    return {(row["line"], row["division_code"]): Post(**row) for row in rows}


_SHOWN = "p.post_id, p.line, p.division_code, p.unit, p.title"


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


async def load_inbox(tx: Tx, post_id: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest messages of a post, or of every post that the caller may see: post, when, title, items."""
    rows = await tx.fetch(
        """select m.post_id, p.title, p.division_code, m.line, m.sent_at, m.items from messages m
             join posts p using (post_id)
           where $1::text is null or m.post_id = $1 order by m.sent_at desc, m.post_id limit $2""",
        post_id,
        limit,
    )
    return [{**dict(r), "items": json.loads(r["items"])} for r in rows]
