"""Who answers for a grid, and the round that is under way when the play ends: what one worker's page then shows.

The worker has taken the grid over that morning, has tapped in what was done at two doors, and has the rest before him.
"""

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

WORKER, _BEFORE = "grid-worker-1", "grid-worker-0"
WORKERS_FEED = "worker-page"
SECOND_ROUND = "R2"
_OPENED, _MET, _TRIED, _CLOSES = march(28, "08:00"), march(28, "08:10"), march(28, "08:20"), march(30, "20:00")
_LAST = len(STEPS) - 1


def send_duty(mail: Mail, households: Sequence[Household], cares: Sequence[Care]) -> str:
    """Rounds, an assignment handed over, and taps. Returns the grid: the fullest where something is still due."""
    mail.send(
        0, f"command-{CITY}", "canvassing-round", CITY, round_id=ROUND, opened_by=f"command-{CITY}",
        from_at=march(5, "08:00"), until_at=march(8, "00:00"),
    )  # fmt: skip
    homes = Counter(home.grid for home in households)
    owed = {care.contact.person.grid for care in cares if care.fate in ("still_in", "never_transferred")}
    grid = max(sorted(owed), key=lambda code: homes[code])
    village = command_post(grid[:12])
    mail.send(
        _LAST, f"command-{CITY}", "canvassing-round", grid[:12], round_id=SECOND_ROUND,
        opened_by=command_post(grid[:6]), from_at=_OPENED, until_at=_CLOSES,
    )  # fmt: skip
    mail.send(0, village, "assignment", grid, post_id=_BEFORE, duty="worker", valid_from_at=march(5, "08:00"))
    mail.send(_LAST, village, "hand-over", grid, from_post_id=_BEFORE, to_post_id=WORKER, handed_at=_OPENED)
    _register(mail, village, [home for home in households if home.grid == grid])
    _tap(mail, [home for home in households if home.grid == grid])
    return grid


def _register(mail: Mail, village: str, homes: Sequence[Household]) -> None:
    """The village keeps the register of the first door: nobody of it has moved."""
    for home in homes[:1]:
        mail.send(
            _LAST, village, "household-register", home.grid, dwelling={"ref": home.ref},
            registered_at=march(27, "09:00"), members=[person.in_short() for person in home.members],
        )  # fmt: skip


def _tap(mail: Mail, homes: Sequence[Household]) -> None:
    """At the first door all but one are met, who is away; at the second nobody opens."""
    for home in homes[:1]:
        *met, away = home.members
        if not met:
            met = [away]
        else:
            mail.send(
                _LAST, WORKERS_FEED, "presence", home.grid, **away.in_short(), state="away",
                since_at=march(25, "08:00"), where="310115", back_at=march(31, "12:00"),
            )  # fmt: skip
        mail.send(
            _LAST, WORKERS_FEED, "household-visit", home.grid, dwelling={"ref": home.ref}, round_id=SECOND_ROUND,
            visited_at=_MET, channel="visit",
            members=[person.in_short() | {"temperature_celsius": 36.5} for person in met],
        )  # fmt: skip
    for home in homes[1:2]:
        mail.send(
            _LAST, WORKERS_FEED, "canvass-attempt", home.grid, dwelling={"ref": home.ref}, round_id=SECOND_ROUND,
            attempted_at=_TRIED, channel="visit", outcome="nobody_home",
        )  # fmt: skip
