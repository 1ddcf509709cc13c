"""Who holds a post and how they are reached is sealed; a start with two keys seals it anew with the new one."""

from __future__ import annotations

from dataclasses import replace

import structlog

from services.alerts.store import posts
from services.alerts.store.posts import Post
from services.chassis.sealing import Seals, vault_keys
from services.chassis.service import App
from services.chassis.settings import Settings

log = structlog.get_logger()


def seals_of(settings: Settings) -> Seals | None:
    """The seals of posts; None without GRIDWARD_VAULT_KEY. Raises WrongSettings."""
    return Seals(vault_keys(settings.vault_key), b"posts") if settings.vault_key else None


async def turn_keys(app: App) -> None:
    """All posts in one transaction: a city has thousands, no more. Raises CannotOpen."""
    seals = seals_of(app.settings)
    if seals is None or not seals.is_turning:
        return
    async with app.transaction() as turn:
        rows = await posts.load_sealed_before(turn.tx, seals.version)
        await posts.save_posts(turn.tx, [_anew(post, seals) for post in rows])
    log.info("every post is sealed with the new key: leave the others out of GRIDWARD_VAULT_KEY", posts=len(rows))


def _anew(post: Post, seals: Seals) -> Post:
    holder, channel = (
        sealed and seals.seal(seals.open(sealed, post.post_id), post.post_id) for sealed in (post.holder, post.channel)
    )
    return replace(post, holder=holder, channel=channel)
