"""Every question that may be put to a route that reads, for the attack on row security."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from contracts.indicators import INDICATORS
from tests.stores.rows_world import ALL_ROLES, PLACES, grid_of

Question = tuple[str, str, dict[str, Any]]
"""Service, path, query."""
DIVISIONS = sorted({v[:n] for v in PLACES for n in (2, 4, 6, 9, 12)} | {grid_of(v) for v in PLACES} | {"3304J1", "31"})
SEARCHED = ["王某1", "wm", "0001", "人民路1号", "case-1"]
AT = ["2022-03-05T10:00:00+08:00", "2030-01-01T00:00:00+08:00", "2000-01-01T00:00:00+08:00"]


@st.composite
def all_questions(draw: st.DrawFn) -> list[Question]:
    """Each route that reads, with whatever may be asked of it."""
    division, tree = draw(st.sampled_from(DIVISIONS)), draw(st.sampled_from(["statutory", "reporting"]))
    at, person = draw(st.sampled_from(AT)), draw(st.integers(0, 2 * len(PLACES) - 1))
    indicator = draw(st.sampled_from([one.code for one in INDICATORS]))
    where = {"division": division, "tree": tree}
    return [
        ("rollup", "/figures", {**where, "children": draw(st.booleans())}),
        ("rollup", "/figures/as-of", {**where, "at": at, "children": draw(st.booleans())}),
        ("rollup", "/changes", {**where, "indicator": indicator, "from": AT[2], "to": at}),
        ("rollup", "/rows", {**where, "indicator": indicator, "offset": draw(st.integers(0, 2))}),
        ("rollup", "/drift", {"now": draw(st.booleans())}),
        ("alerts", "/inbox", draw(st.sampled_from([{}, {"post": f"post-{division}"}]))),
        ("alerts", "/clocks", {"verdict": draw(st.sampled_from(["running", "missed", "met", "late", "unlimited"]))}),
        ("tracing", "/persons/{person}", {"person": person}),
        ("tracing", "/states", {}),
        ("tracing", "/proposals", draw(st.sampled_from([{}, {"division": division}]))),
        ("tracing", f"/policy/{division}", {}),
        ("intake", "/keys", {}),
        ("intake", "/ledger", {}),
        ("intake", "/rejects", {}),
        ("intake", "/today", draw(st.sampled_from([{}, {"division": division}]))),
        ("intake", "/roster", {"division": division}),
        ("intake", "/assignments", {"division": division}),
        ("intake", "/doubts", {"division": division}),
        ("intake", "/leads", {"division": division}),
        ("intake", "/people/{person}/accesses", {"person": person}),
        ("intake", "/people/merges", {"person": person, "as": "person_id"}),
        ("intake", "/people/reviews", {}),
        ("intake", "/people/{person}/record", {"person": person}),
        ("intake", "/records/export", {"feed": "all", "since": AT[2], "purpose": "reporting"}),
        ("intake", f"/records/all/{draw(st.sampled_from(PLACES))}-{draw(st.integers(10, 16))}/changes", {}),
        ("intake", "/store-key", {}),
        ("rollup", "/indicators", {}),
        ("intake", "/people/openings", {"person": person, "json": "openings"}),
        ("intake", "/people/lookups", {"person": person, "json": "lookups"}),
        ("intake", "/people/searches", {"person": person, "json": f"search {draw(st.sampled_from(SEARCHED))}"}),
    ]


def questions() -> st.SearchStrategy[Question]:
    """One of them."""
    return all_questions().flatmap(st.sampled_from)


def asked_of(question: Question, people: list[str]) -> Question:
    """With the id of a person in the place of a number."""
    service, path, query = question[0], question[1], dict(question[2])
    if "person" not in query:
        return service, path, query
    person = people[query.pop("person") % len(people)]
    if (asked := query.pop("json", "")).startswith("search "):
        return service, path, {"json": {"purpose": "care", "query": asked.removeprefix("search ")}}
    if asked == "openings":
        return service, path, {"json": {"purpose": "care", "note": "", "person_ids": [person]}}
    if path.endswith("lookups"):
        return (
            service,
            path,
            {"json": {"purpose": "looking for a leak", "phones": [f"138{n:08d}" for n in range(10 * len(PLACES))]}},
        )
    return service, path.format(person=person), {query["as"]: person} if "as" in query else {}


ROLES = st.frozensets(st.sampled_from(sorted(ALL_ROLES))) | st.just(ALL_ROLES)


NAMES = st.sampled_from(["desk", "post-1", "", "0", "1"])
"""0, 1: the id of a person who lives in the caller's division, where somebody does."""


def named(name: str, own: list[str]) -> str:
    return own[int(name) % len(own)] if name.isdigit() and own else name or "nobody"
