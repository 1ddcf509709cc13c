"""Pairs about whom people are asked: kept once the new person is kept, without anything that identifies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.chassis.database import Tx
from services.intake.rules.matching import Likeness
from services.intake.store import matches, people


async def asked_about(tx: Tx, now: datetime, asked: Sequence[tuple[str, Mapping[str, Likeness]]]) -> None:
    """asked: a new person's id, and whoever may be the same."""
    if not asked:
        return
    rows = await people.load_persons(tx, {each for new, others in asked for each in (new, *others)})
    await matches.save_reviews(
        tx,
        [
            matches.Review(
                f"{other}-{new}",
                other,
                new,
                rows[other].division_code,
                rows[new].division_code,
                found.score,
                list(found.evidence),
                now,
            )
            for new, others in asked
            for other, found in others.items()
            if other != new and new in rows and other in rows
        ],
    )
