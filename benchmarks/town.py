"""The made-up province of the benchmarks: 76,000 grids under real villages, its households, and what is said of them.

Everything is drawn from one seed, so that a run can be repeated; households come in no order of place, which is the
hardest order for whoever keeps figures by place.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from random import Random

from contracts.divisions import EDITIONS, LATEST, Level
from contracts.envelope import Event, say
from contracts.events.canvassing import CaseScreened, Symptom
from contracts.policy.days import SHANGHAI
from deploy.sample.people import with_check_digit

PROVINCE = "33"
INDICATOR = "persons-screened"
BEGIN = datetime(2022, 3, 5, 8, tzinfo=SHANGHAI)
_ROUND = "R1"
_WORKING_DAY = timedelta(hours=10)
_SIZES, _WEIGHTS = (1, 2, 3, 4, 5), (25, 30, 22, 15, 8)
_ONE_FEVERISH_IN = 100


@cache
def grids(count: int) -> tuple[str, ...]:
    """Codes of 15 digits, as many under each village of the province as are needed."""
    table = lzma.decompress(EDITIONS[LATEST].read_bytes()).decode().splitlines()
    codes = (line.partition(",")[0] for line in table if line.startswith(PROVINCE))
    villages = [code for code in codes if len(code) == Level.VILLAGE]
    return tuple(islice((f"{village}{number:03}" for number in range(1, 1_000) for village in villages), count))


def screenings(count: int, codes: tuple[str, ...], seed: int = 20220305) -> Iterator[Event[CaseScreened]]:
    """What intake says of `count` persons, each met once, household after household through one working day."""
    rng, said = Random(seed), 0
    while said < count:
        members = min(rng.choices(_SIZES, _WEIGHTS)[0], count - said)
        at = BEGIN + _WORKING_DAY * (said / count)
        division, dwelling, record = rng.choice(codes), _id(rng), _id(rng)
        for _ in range(members):
            fact = _screened(rng, dwelling, at.replace(second=0, microsecond=0))
            yield say(fact, source="intake", time=at, division=division, cause=record, correlation=record)
        said += members


def _screened(rng: Random, dwelling: str, at: datetime) -> CaseScreened:
    feverish = rng.randrange(_ONE_FEVERISH_IN) == 0
    return CaseScreened.model_construct(
        statement_id=_id(rng),
        person_id=_id(rng),
        dwelling_id=dwelling,
        round_id=_ROUND,
        screened_at=at,
        temperature_celsius=37.8 if feverish else round(rng.uniform(36.0, 37.0), 1),
        symptoms=(Symptom.FEVER,) if feverish else (),
    )


def _id(rng: Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def visits(count: int, codes: tuple[str, ...], first: int) -> list[bytes]:
    """Records for the door, numbered from `first`: visits to one person each, one JSON object each."""
    rng = Random(first)
    return [
        json.dumps(_visit(rng, number, codes), ensure_ascii=False).encode() for number in range(first, first + count)
    ]


def _visit(rng: Random, number: int, codes: tuple[str, ...]) -> dict[str, object]:
    born, order = BEGIN.date() - timedelta(days=7_000 + number % 20_000), number // 20_000
    id_number = with_check_digit(f"{330402 + order // 999:06}{born:%Y%m%d}{order % 999 + 1:03}")
    person = {"id_number": id_number, "name": f"某{number}", "phone": f"199{number:08}", "sex": "F"}
    return {
        "feed": "bench",
        "source_id": f"bench-{number:09}",
        "kind": "household-visit",
        "division_code": rng.choice(codes),
        "dwelling": {"ref": f"dwelling-{number:09}", "address": f"河滨社区居委会{number}号"},
        "round_id": _ROUND,
        "visited_at": BEGIN.isoformat(),
        "channel": "visit",
        "members": [{"person": person, "temperature_celsius": round(rng.uniform(36.0, 37.0), 1)}],
    }


def grid_file(codes: tuple[str, ...]) -> bytes:
    """The CSV that POST /grids takes."""
    return ("code,name\n" + "".join(f"{code},第{int(code[-3:])}网格\n" for code in codes)).encode()
