"""Chaos in its short form: 20,000 records, two replicas of each service, six kills -9 and one of every other mishap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.chaos.hunting import AT_WORK
from tests.faults.chaos.running import Chaos, run_chaos
from tests.faults.chaos.schedule import SHORT
from tests.faults.chaos.windows import WINDOWS
from tests.servers import chosen_broker, left_out

RECORDS, SEED, PACE = 20_000, 20_220_305, 400.0


@pytest.mark.skipif(chosen_broker() == "embedded", reason=left_out() or "needs a broker that can be hurt")
async def test_nothing_is_lost_and_nothing_doubled_whatever_dies(tmp_path: Path) -> None:
    ended = await run_chaos(Chaos(RECORDS, SEED, PACE, SHORT, print), tmp_path)
    assert ended.judgement.wrong == []
    assert dict(ended.chronicle.kills) == dict.fromkeys((*WINDOWS, AT_WORK), 1)
