"""What one worker is shown as owed when the play ends, by kind: doors of the open round, leads, needs.

Slots, samples and releases are counted elsewhere (`care`, `release`), by the people they are about.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploy.sample.steps import STEPS
from deploy.sample.truth.book import Book, Said, who
from deploy.sample.truth.leads import Held, leads_held


def owed_in(book: Book, grid: str) -> dict[str, int]:
    """In a grid, at the last step."""
    return {
        "household": sum(1 for _ in _doors(book, grid)),
        "lead": sum(1 for _ in _leads(book, grid)),
        "need": sum(1 for _ in _needs(book, grid)),
    }


def _doors(book: Book, grid: str) -> Iterator[str]:
    """Homes where somebody was neither met in the open round nor is known to be away."""
    rounds = [said for said in book.of("canvassing-round") if grid.startswith(said.record["division_code"])]
    now = STEPS[-1]
    current = next((said for said in rounds if said.at("from_at") <= now < said.at("until_at")), None)
    if current is None:
        return
    visits = [said for said in book.of("household-visit") if said.record["division_code"] == grid]
    away = {said.who for said in book.of("presence") if said.record["state"] == "away"}
    lives: dict[str, set[str]] = {}
    met: dict[str, set[str]] = {}
    for said in visits:
        people = {who(member) for member in said.record["members"]}
        lives.setdefault(said.record["dwelling"]["ref"], set()).update(people)
        if said.record["round_id"] == current.record["round_id"]:
            met.setdefault(said.record["dwelling"]["ref"], set()).update(people)
    for home, people in lives.items():
        if home not in met or people - met[home] - away:
            yield home


def _leads(book: Book, grid: str) -> Iterator[Held]:
    """Leads that the grid holds and nothing was said of."""
    last = {(held.person, held.source): held for held in leads_held(book)}
    yield from (held for held in last.values() if held.division.startswith(grid) and held.answered_at is None)


def _needs(book: Book, grid: str) -> Iterator[Said]:
    """Asked for and not yet met."""
    met = {(said.record["asked"]["feed"], said.record["asked"]["source_id"]) for said in book.of("need-met")}
    for said in book.of("need"):
        own = said.record["feed"], said.record["source_id"]
        if said.record["division_code"] == grid and own not in met:
            yield said
