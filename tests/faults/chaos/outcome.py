"""What a play left behind: the dumps, the differences from the truth, the account of every record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import httpx
from pydantic import SecretStr

from deploy.play.compare import differences, observe, read_truth
from deploy.play.player import Played
from deploy.play.stage import Stage
from tests.faults.chaos.dumps import dump_all, names_in, with_others
from tests.faults.chaos.naming import who_is_who
from tests.faults.chaos.playing import Player
from tests.faults.chaos.sender import Account


@dataclass(frozen=True)
class Outcome:
    """against_truth: every way in which figures, end states, books or dead letters are not the truth."""

    dumps: Mapping[str, list[str]]
    against_truth: list[str]
    accounts: list[Account]


async def outcome_of(player: Player, client: httpx.AsyncClient, db: asyncpg.Connection, sample: Path) -> Outcome:
    """Read it at rest; every service must answer. Duplicates are the harness's doing, so the ledger is left out.

    Nobody signs in as the worker here.
    """
    urls = {name: next(r.url for r in player.troop.of(name) if r.answers) for name in player.troop.services}
    stage = Stage(urls, client.headers["authorization"].removeprefix("Bearer "), SecretStr(""))
    truth = read_truth(sample) | {"ledger": {}, "worker": {"today": {}}}
    observed = replace(await observe(stage, Played(), truth), ledger={})
    named = await with_others(db, await who_is_who(client, urls["intake"], names_in(sample)))
    return Outcome(await dump_all(db, named), differences(truth, observed), player.sender.accounts)
