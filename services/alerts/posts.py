"""Who holds a post and how they are reached is sealed; when the vault's key is turned, a tick seals it anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.alerts.store import posts
from services.alerts.store.posts import Post
from services.chassis import own_work
from services.chassis.database import Tx
from services.chassis.keyring import Keyring
from services.chassis.sealing import Seals, vault_keys
from services.chassis.service import App
from services.chassis.settings import Settings
from services.chassis.turning import Part, turning


def ring_of(settings: Settings) -> Keyring[Seals] | None:
    """The keys of posts; None without GRIDWARD_VAULT_KEY. Raises WrongSettings."""
    keys = vault_keys(settings)
    return Keyring(keys, lambda secrets, in_use: Seals(secrets, b"posts", in_use)) if keys else None


async def begin_keys(app: App) -> None:
    """Raises KeyNotKnown."""
    ring = ring_of(app.settings)
    if ring is None:
        return
    async with own_work.transaction(app) as turn:
        await ring.begin(turn.tx, await posts.sealing_versions(turn.tx))
    app.ticks.append(turning(app, ring, [Part("posts", _posts_anew)]))


async def _posts_anew(tx: Tx, seals: Seals, after: str, limit: int) -> Sequence[str]:
    rows = await posts.load_after(tx, after, limit)
    await posts.save_posts(tx, [_anew(post, seals) for post in rows])
    return [post.post_id for post in rows]


def _anew(post: Post, seals: Seals) -> Post:
    holder, channel = (
        sealed and seals.seal(seals.open(sealed, post.post_id), post.post_id) for sealed in (post.holder, post.channel)
    )
    return replace(post, holder=holder, channel=channel)
