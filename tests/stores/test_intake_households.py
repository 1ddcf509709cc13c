"""Who lives where, who is missing in a round: rows as records told them, folded by PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.database import Tx
from services.intake.rules.households import Household, living_there
from services.intake.rules.roster import REACHED, Call, Presence, Register, Resident, Round
from services.intake.rules.worklist import of_round
from services.intake.store import roster
from services.intake.store.households import load_households
from tests.stores.intake_world import GRID, intake

NOON = datetime(2022, 3, 5, 12, tzinfo=timezone(timedelta(hours=8)))
NOW = NOON + timedelta(hours=4)
ROUND = Round("r", GRID[:6], False, "R1", "command", NOON, NOON + timedelta(days=2))
Rows = list[Any]
Seen = Callable[..., dict[str, Household]]


def hour(n: float) -> datetime:
    return NOON + timedelta(hours=n)


def visit(dwelling: str, *met: str, at: float = 1, round_id: str = "R1", drill: bool = False, record: str = "") -> Rows:
    head = record or f"{dwelling}-{at}-{drill}", GRID, drill
    call = Call(*head, dwelling, round_id, hour(at), "visit", REACHED, "")
    return [call, *(Resident(*head, each, dwelling, hour(at), round_id, None) for each in met)]


def attempt(dwelling: str, at: float = 1, outcome: str = "nobody_home", drill: bool = False, record: str = "") -> Rows:
    return [Call(record or f"{dwelling}-{at}", GRID, drill, dwelling, "R1", hour(at), "visit", outcome, "")]


def register(
    dwelling: str, *people: str, at: float = 0, lived_in: bool = True, drill: bool = False, record: str = ""
) -> Rows:
    head = record or f"register-{dwelling}-{at}", GRID, drill
    own = Register(*head, dwelling, hour(at), lived_in)
    return [own, *(Resident(*head, each, dwelling, hour(at), "", None) for each in people)]


def presence(
    person: str, state: str, at: float, drill: bool = False, record: str = "", back: float | None = None
) -> Rows:
    when = hour(at), "310115", None if back is None else hour(back)
    return [Presence(record or f"p-{person}-{at}", GRID, drill, person, state, *when)]


class Undo(Exception):
    """Rolls back what was told."""


@pytest.fixture
def seen(database: str) -> Iterator[Seen]:
    """The households of a division that these rows tell of, by dwelling; nothing of them is kept."""
    runner = asyncio.Runner()
    world = intake(database)
    pool = runner.run(world.__aenter__()).pool

    async def look(
        rows: Iterable[Rows], open_round: Round | None, people_of_all: bool, merged: tuple[str, ...]
    ) -> dict[str, Household]:
        flat = [row for each in rows for row in each]
        dwellings = {row.dwelling_id for row in flat if not isinstance(row, Presence)}
        found = list[Household]()
        try:
            async with pool.acquire() as tx, tx.transaction():
                await roster.keep(tx, flat)
                await keep_dwellings(tx, dwellings)
                if merged:
                    await tx.execute("insert into merges values ('m', 1, false, $1, $2)", *merged)
                found = await load_households(tx, GRID, open_round, NOW, people_of_all=people_of_all)
                raise Undo
        except Undo:
            return {home.dwelling_id: home for home in found}

    def run(
        *rows: Rows, open_round: Round | None = ROUND, people_of_all: bool = True, merged: tuple[str, ...] = ()
    ) -> dict[str, Household]:
        return runner.run(look(rows, open_round, people_of_all, merged))

    yield run
    runner.run(world.__aexit__(None, None, None))
    runner.close()


async def keep_dwellings(tx: Tx, dwellings: Iterable[str]) -> None:
    rows = [(each, GRID, b"sealed") for each in dwellings]
    columns = ("dwelling_id", "division_code", "sealed")
    await tx.copy_records_to_table("vault_dwellings", columns=columns, records=rows)


def test_an_attempt_is_not_a_visit(seen: Seen) -> None:
    home = seen(attempt("a"), attempt("a", 3, "refused"))["a"]
    assert (home.missing, home.attempts, home.last_outcome, home.reached_at) == (True, 2, "refused", None)


def test_a_household_reached_is_no_longer_missing_and_in_another_round_it_is(seen: Seen) -> None:
    assert not seen(visit("a", "p"))["a"].missing
    assert seen(visit("a", "p", round_id="R0"))["a"].missing


def test_one_member_not_met_keeps_the_household_on_the_list_until_met_or_away(seen: Seen) -> None:
    known = register("a", "p", "q")
    assert seen(known, visit("a", "p"))["a"].unmet == ("q",)
    assert not seen(known, visit("a", "p"), visit("a", "q", at=2))["a"].missing
    assert not seen(known, visit("a", "p"), presence("q", "away", 1))["a"].missing
    assert seen(known, visit("a", "p"), presence("q", "away", 1), presence("q", "here", 2))["a"].missing


def test_whoever_was_away_is_missing_again_once_met_in_a_later_round_or_due_back(seen: Seen) -> None:
    known = register("a", "p", "q"), visit("a", "p", at=3), presence("q", "away", 1)
    assert not seen(*known)["a"].missing
    assert seen(*known, visit("a", "q", at=2, round_id="R0"))["a"].unmet == ("q",)
    assert not seen(*known, visit("a", "q", at=0, round_id="R0"))["a"].missing
    assert seen(*known[:2], presence("q", "away", 1, back=4))["a"].unmet == ("q",)
    assert not seen(*known[:2], presence("q", "away", 1, back=5))["a"].missing
    merged = seen(register("a", "q"), visit("b", "p", at=2, round_id="R0"), presence("q", "away", 1), merged=("p", "q"))
    assert [*merged["a"].away] == []


def test_two_ids_of_one_person_are_one_person_in_the_household_met_under_either(seen: Seen) -> None:
    told = [register("a", "p", "q"), visit("a", "q"), presence("p", "away", 1), presence("q", "here", 2)]
    home = seen(*told)["a"]
    assert (home.people, home.missing, sorted(home.away)) == (["p", "q"], False, ["p"])
    home = seen(*told, merged=("p", "q"))["a"]
    assert (home.people, home.met, home.unmet, sorted(home.away)) == (["p"], ["p"], (), [])
    home = seen(register("a", "q"), presence("q", "here", 1), presence("p", "away", 2), merged=("p", "q"))["a"]
    assert (home.people, sorted(home.away)) == (["q"], ["p", "q"])


def test_a_later_register_says_who_lives_there_and_whoever_is_met_after_it_is_added(seen: Seen) -> None:
    home = seen(visit("a", "p", at=1), register("a", "q", at=2), visit("a", "r", at=3))["a"]
    assert home.people == ["q", "r"]


def test_a_dwelling_in_which_nobody_lives_is_not_missing(seen: Seen) -> None:
    assert seen(visit("a", "p", at=0, round_id="R0"), register("a", at=1, lived_in=False)) == {}


def test_an_exercise_covers_nobody_in_earnest(seen: Seen) -> None:
    told = [register("a", "p"), visit("a", "p", drill=True)]
    assert seen(*told)["a"].missing
    assert not seen(*told, open_round=ROUND._replace(drill=True))["a"].missing


def test_whom_a_round_has_not_met_in_a_household_that_it_reached_is_known_without_everybody_else(seen: Seen) -> None:
    homes = seen(register("a", "p", "q"), visit("a", "p"), register("b", "r"), people_of_all=False)
    assert {each: (home.missing, home.unmet) for each, home in homes.items()} == {"a": (True, ("q",)), "b": (True, ())}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pq"), st.booleans(), st.integers(1, 9)), max_size=8))
def test_every_household_is_either_reached_whole_or_on_the_list(
    seen: Seen, told: list[tuple[str, str, bool, int]]
) -> None:
    rows = [
        visit(home, who, at=at, record=f"r{n}") if met else attempt(home, at + 0.5, record=f"r{n}")
        for n, (home, who, met, at) in enumerate(told)
    ]
    homes = seen(register("a", "p"), register("b", "q"), *rows)
    listed = {item.dwelling_id for item in of_round(homes.values(), ROUND)}
    whole = {home.dwelling_id for home in homes.values() if home.reached_at and {*home.people} <= {*home.met}}
    assert (listed | whole, listed & whole) == (homes.keys(), set())


HOMES, PEOPLE, HOURS, DRILL = st.sampled_from("abc"), st.sampled_from("pqr"), st.integers(0, 3), st.booleans()
SOME = st.lists(PEOPLE, max_size=3, unique=True)
TOLD = st.one_of(
    st.builds(
        lambda home, met, **how: lambda record: visit(home, *met, record=record, **how),
        HOMES, SOME, at=HOURS, round_id=st.sampled_from(("R0", "R1")), drill=DRILL,
    ),
    st.builds(
        lambda home, outcome, **how: lambda record: attempt(home, outcome=outcome, record=record, **how),
        HOMES, st.sampled_from(("nobody_home", "refused")), at=HOURS, drill=DRILL,
    ),
    st.builds(
        lambda home, people, **how: lambda record: register(home, *people, record=record, **how),
        HOMES, SOME, at=HOURS, lived_in=st.booleans(), drill=DRILL,
    ),
    st.builds(
        lambda who, state, **how: lambda record: presence(who, state, record=record, **how),
        PEOPLE, st.sampled_from(("here", "away")), at=HOURS, drill=DRILL, back=st.sampled_from((None, 3, 4, 5)),
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(TOLD, max_size=12), open_round=st.sampled_from((None, ROUND, ROUND._replace(drill=True))))
def test_whatever_is_told_a_household_is_what_its_rows_say_one_by_one(
    seen: Seen, told: list[Callable[[str], Rows]], open_round: Round | None
) -> None:
    rows = [tell(f"r{number:02}") for number, tell in enumerate(told)]
    found = seen(*rows, open_round=open_round)
    assert found == one_by_one([row for each in rows for row in each], open_round)
    of_reached = seen(*rows, open_round=open_round, people_of_all=False)
    assert [*of_reached] == [*found]
    if open_round is not None:
        assert [*of_round(of_reached.values(), open_round)] == [*of_round(found.values(), open_round)]


def one_by_one(rows: Rows, open_round: Round | None) -> dict[str, Household]:
    """The same by plain rules: of what is told of each dwelling, and of each person who is away."""
    drill = open_round is not None and open_round.drill
    heard = [row for row in rows if row.drill <= drill]
    of_now = [row for row in heard if open_round and (getattr(row, "round_id", ""), row.drill) == ("R1", drill)]
    words = {row.person_id: row for row in in_time(heard, Presence, "since_at")}
    met_at = {row.person_id: row.since_at for row in in_time(heard, Resident, "since_at") if row.round_id}
    back = {who for who, row in words.items() if row.since_at < met_at.get(who, row.since_at)}
    back |= {who for who, row in words.items() if row.back_at and row.back_at <= NOW}
    away = {who: row for who, row in words.items() if row.state == "away" and who not in back}
    homes = {}
    for home in sorted({row.dwelling_id for row in rows if not isinstance(row, Presence)}):
        registers = [row for row in in_time(heard, Register, "registered_at") if row.dwelling_id == home]
        latest = registers[-1] if registers else None
        people = living_there([r for r in heard if isinstance(r, Resident) and r.dwelling_id == home], latest)
        if latest is not None and not latest.lived_in and not people:
            continue
        its = [row for row in of_now if row.dwelling_id == home]
        met = {row.person_id for row in its if isinstance(row, Resident)} & {*people}
        calls = [row for row in its if isinstance(row, Call)]
        reached = [call.called_at for call in calls if call.outcome == REACHED]
        vain = sorted((call.called_at, call.outcome) for call in calls if call.outcome != REACHED)
        sought = max(reached, default=None), len(vain), vain[-1][1] if vain else None
        homes[home] = Household(home, GRID, people, sorted(met), *sought, away)
    return homes


def in_time(rows: Rows, kind: type, when: str) -> Rows:
    return sorted((row for row in rows if isinstance(row, kind)), key=lambda row: (getattr(row, when), row.record_id))
