"""The lines of divisions above what was recorded, kept so that a figure and its rows are summed in SQL alone."""

from __future__ import annotations

from collections.abc import Collection

from contracts.divisions import Divisions, Tree
from services.chassis.database import Tx
from services.rollup.rules.summing import line_of

_NEW = """
    select code from unnest($1::text[]) code
    where not exists (select from places where division_code = code and tree = 'statutory')"""
# A line comes as one text: a dozen rows a division would be dear to encode.
_ADD = """
    insert into places select code, tree, ancestor_code, up - 1
    from unnest($1::text[], $2::text[], $3::text[]) line (code, tree, upwards),
         string_to_table(upwards, ' ') with ordinality step (ancestor_code, up)
    order by 1, 2, 3 on conflict do nothing"""
_DRAWN = """
    select division_code, array_agg(tree order by tree, up), array_agg(ancestor_code order by tree, up),
           array_agg(up order by tree, up)
    from places group by 1"""
# The first table that a batch writes: whoever holds this waits for the batches under way, and lets no other begin.
_NO_BATCHES = "lock table statements in share row exclusive mode"
_SUM_ANEW = """
    insert into figures
    select p.tree, p.ancestor_code, o.indicator, o.day, o.drill, sum(o.value)
    from (select division_code, indicator, day, drill, count(*) as value from counted
          where division_code is not null group by 1, 2, 3, 4) o
    join places p using (division_code) group by 1, 2, 3, 4, 5"""


async def add_places(tx: Tx, codes: Collection[str], divisions: Divisions) -> None:
    """Keeps the lines above these divisions in both trees. Raises MalformedCodeError."""
    if codes:
        await _draw(tx, [row[0] for row in await tx.fetch(_NEW, list(codes))], divisions)


async def redraw(tx: Tx, divisions: Divisions) -> list[str]:
    """Where other lines are kept than these divisions have, keeps theirs and sums every figure anew; which ones.

    For the start of a process: an edition of the divisions or of the functional areas may have changed since.
    """
    if not await _outdated(tx, divisions):
        return []
    await tx.execute(_NO_BATCHES)
    codes = await _outdated(tx, divisions)
    if codes:
        await tx.execute("delete from places where division_code = any($1::text[])", codes)
        await _draw(tx, codes, divisions)
        await tx.execute("delete from figures")
        await tx.execute(_SUM_ANEW)
    return codes


async def _outdated(tx: Tx, divisions: Divisions) -> list[str]:
    drawn = await tx.fetch(_DRAWN)
    return [code for code, *columns in drawn if sorted(zip(*columns, strict=True)) != sorted(line_of(code, divisions))]


async def _draw(tx: Tx, codes: Collection[str], divisions: Divisions) -> None:
    lines = [(code, tree.value, " ".join(divisions.ancestors(code, tree))) for code in codes for tree in Tree]
    if lines:
        await tx.execute(_ADD, *map(list, zip(*lines, strict=True)))
