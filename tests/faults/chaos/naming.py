"""Who is who after a run: the random ids of everybody whom the sample names."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from tests.faults.chaos.dumps import Names, by_id

AT_ONCE = 1_000
PURPOSE = "chaos: two runs held against each other"


def _bodies(names: Names) -> Iterator[dict[str, object]]:
    for field, each in zip(("id_numbers", "person_refs"), map(sorted, names), strict=True):
        for at in range(0, len(each), AT_ONCE):
            yield {"purpose": PURPOSE, field: each[at : at + AT_ONCE]}


async def who_is_who(client: httpx.AsyncClient, intake: str, names: Names) -> dict[str, str]:
    """Random id -> number or reference."""
    answers = []
    for body in _bodies(names):
        answer = await client.post(f"{intake}/people/lookups", json=body, timeout=60)
        answers.append(answer.raise_for_status().json())
    return by_id(answers)
