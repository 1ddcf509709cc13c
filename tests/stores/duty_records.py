"""Records of the roster and of duty, with sensible defaults; where and about whom is the caller's to say."""

from __future__ import annotations

from typing import Any

AT, LATER = "2022-03-05T00:00:00+08:00", "2022-03-08T00:00:00+08:00"
ROUND = "round-1"


def a_duty(kind: str, division: str, source_id: str = "", **fields: Any) -> dict[str, Any]:
    """feed roster; the kind is the source_id where none is given."""
    return {"feed": "roster", "source_id": source_id or kind, "kind": kind, "division_code": division, **fields}


def a_round(division: str, round_id: str = ROUND, **more: Any) -> dict[str, Any]:
    said = {"round_id": round_id, "opened_by": "command-330421", "from_at": AT, "until_at": LATER, **more}
    return a_duty("canvassing-round", division, f"round {round_id}", **said)


def an_assignment(division: str, post_id: str, **more: Any) -> dict[str, Any]:
    """To the division itself unless dwelling, site_id or somebody is given."""
    said = {"post_id": post_id, "duty": "worker", "valid_from_at": AT, **more}
    return a_duty("assignment", division, f"{post_id} {division} {sorted(more)}", **said)


def a_hand_over(division: str, giver: str, taker: str, at: str, **more: Any) -> dict[str, Any]:
    said = {"from_post_id": giver, "to_post_id": taker, "handed_at": at, **more}
    return a_duty("hand-over", division, f"{giver} {taker} {at}", **said)


def an_attempt(division: str, n: int, **more: Any) -> dict[str, Any]:
    """The n-th dwelling, nobody at home."""
    said = {"dwelling": {"ref": f"door-{n}"}, "round_id": ROUND, "attempted_at": AT, "channel": "visit"}
    return a_duty("canvass-attempt", division, f"attempt {n}", **{**said, "outcome": "nobody_home", **more})


def a_register(division: str, n: int, members: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"dwelling": {"ref": f"door-{n}"}, "registered_at": AT, "members": members, **more}
    return a_duty("household-register", division, f"register {n}", **said)


def a_presence(division: str, whom: dict[str, Any], **more: Any) -> dict[str, Any]:
    return a_duty("presence", division, **whom, **{"state": "away", "since_at": AT, **more})


def one_of_each_duty(division: str, whom: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        a_round(division),
        an_assignment(division, "worker-1", valid_until_at=LATER),
        a_hand_over(division, "worker-1", "worker-2", AT),
        an_attempt(division, 7),
        a_register(division, 7, [whom]),
        a_presence(division, whom, where="310115", back_at=LATER),
    ]
