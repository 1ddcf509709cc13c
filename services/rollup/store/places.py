"""The lines of divisions above what was recorded, kept so that a figure and its rows are summed in SQL alone."""

from __future__ import annotations

from collections.abc import Collection

from contracts.divisions import Divisions, Tree
from services.chassis.database import Tx
from services.rollup.store import statements
from services.rollup.store.copying import as_json

# Where what is recorded at {division} counts in a tree, given {line}: that of its village, or of itself above one.
LINE = """(case when length({division}) > 15 then array[{division}, left({division}, 15)]
                when length({division}) > 12 then array[{division}] else '{{}}' end || {line})"""

_NEW = """
    select code from json_array_elements_text($1::json) code
    where not exists (select from places where division_code = code)"""
# A line comes as one text: its codes, each a value of its own, would be dear to encode.
_ADD = """
    insert into places select code, string_to_array(one, ' '), string_to_array(other, ' ')
    from unnest($1::text[], $2::text[], $3::text[]) line (code, one, other) order by 1 on conflict do nothing"""
_DRAWN = "select division_code, array_to_string(statutory, ' '), array_to_string(reporting, ' ') from places"
SUMMED = """
    select code as division_code, indicator, day, drill, sum(value) filter (where tree = 'statutory') as statutory,
           sum(value) filter (where tree = 'reporting') as reporting
    from own join places on places.division_code = left(own.division_code, 12)
    cross join lateral (select 'statutory' as tree, unnest(statutory) as code
                        union all select 'reporting', unnest(reporting)) line
    where length(code) < 12
    group by 1, 2, 3, 4"""
_SUM_ANEW = f"""
    insert into sums
    with own as (select left(division_code, 12) as division_code, indicator, day, drill, count(*) as value from counted
                 where division_code is not null group by 1, 2, 3, 4)
    select division_code, indicator, day, drill, coalesce(statutory, 0), coalesce(reporting, 0) from ({SUMMED}) made"""  # noqa: S608


async def add_places(tx: Tx, villages: Collection[str], divisions: Divisions) -> None:
    """Keeps the lines above these divisions, none below a village, in both trees. Raises MalformedCodeError."""
    if villages:
        await _draw(tx, [row[0] for row in await tx.fetch(_NEW, as_json(villages))], divisions)


async def redraw(tx: Tx, divisions: Divisions) -> list[str]:
    """Where other lines are kept than these divisions have, keeps theirs and sums every figure anew; which ones.

    For the start of a process: an edition of the divisions or of the functional areas may have changed since.
    """
    if not await _outdated(tx, divisions):
        return []
    await statements.wait_for_turn(tx)  # for the batch under way, and no other begins
    codes = await _outdated(tx, divisions)
    if codes:
        await tx.execute("delete from places where division_code = any($1::text[])", codes)
        await _draw(tx, codes, divisions)
        await tx.execute("delete from sums")
        await tx.execute(_SUM_ANEW)
    return codes


async def _outdated(tx: Tx, divisions: Divisions) -> list[str]:
    drawn = [tuple(row) for row in await tx.fetch(_DRAWN)]
    return [row[0] for row in drawn if row != _lines(row[0], divisions)]


async def _draw(tx: Tx, codes: Collection[str], divisions: Divisions) -> None:
    if codes:
        await tx.execute(_ADD, *map(list, zip(*(_lines(code, divisions) for code in codes), strict=True)))


def _lines(code: str, divisions: Divisions) -> tuple[str, str, str]:
    one, other = (" ".join(divisions.ancestors(code, tree)) for tree in Tree)
    return code, one, other
