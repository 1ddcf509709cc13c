"""Who answers for a grid, and the round that is under way when the play ends: what one worker's page then shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from deploy.sample.canvass import ROUND
from deploy.sample.mail import Mail
from deploy.sample.people import Household
from deploy.sample.places import CITY
from deploy.sample.posts import command_post
from deploy.sample.stays import Care
from deploy.sample.steps import STEPS, march

WORKER = "grid-worker-1"
SECOND_ROUND = "R2"
_OPENED, _TRIED, _CLOSES = march(28, "08:00"), march(28, "08:20"), march(30, "20:00")


def send_duty(mail: Mail, households: Sequence[Household], cares: Sequence[Care]) -> str:
    """Rounds, one assignment and an attempt at a door. Returns the grid: the fullest where something is still due."""
    feed, first, last = f"command-{CITY}", 0, len(STEPS) - 1
    mail.send(
        first, feed, "canvassing-round", CITY, round_id=ROUND, opened_by=feed,
        from_at=march(5, "08:00"), until_at=march(8, "00:00"),
    )  # fmt: skip
    homes = Counter(home.grid for home in households)
    owed = {care.contact.person.grid for care in cares if care.fate in ("still_in", "never_transferred")}
    grid = max(sorted(owed), key=lambda code: homes[code])
    mail.send(
        last, feed, "canvassing-round", grid[:12], round_id=SECOND_ROUND, opened_by=command_post(grid[:6]),
        from_at=_OPENED, until_at=_CLOSES,
    )  # fmt: skip
    mail.send(last, feed, "assignment", grid, post_id=WORKER, duty="worker", valid_from_at=_OPENED)
    tried = next((home for home in households if home.grid == grid), None)
    if tried is not None:
        mail.send(
            last, f"grid-{grid[:6]}", "canvass-attempt", grid, dwelling={"ref": tried.ref}, round_id=SECOND_ROUND,
            attempted_at=_TRIED, channel="visit", outcome="nobody_home",
        )  # fmt: skip
    return grid
