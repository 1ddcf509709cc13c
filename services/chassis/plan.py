"""The relay's transaction: forget what was answered, give each idle lane its next rows, read the rows of every plan.

The statements and their order are the protocol's: the lock is a statement of its own, because a statement that waited
for a lock and chooses rows as well would see them as before the wait.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from asyncpg import Connection

from services.chassis.database import Lane, columns_of
from services.chassis.errors import PlanBroken

MOST_ROWS = 500  # of a plan: one record batch
MOST_BYTES = 900_000  # of a plan, with what each record carries besides

_LOCK = "select topic, partition, epoch, source, last, ids from lanes order by topic, partition for update"
_ANSWERED = """
with done as (select l.topic, l.partition, l.ids, a.tail from lanes l
                join unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) a(topic, partition, last, tail)
                  on (l.topic, l.partition, l.last) = (a.topic, a.partition, a.last) where l.ids <> '{}'),
     gone as (delete from outbox o using done d
               where (o.topic, o.partition) = (d.topic, d.partition) and o.id = any(d.ids))
update lanes l set last = l.last + cardinality(d.ids), ids = '{}', tail_offset = d.tail
  from done d where (l.topic, l.partition) = (d.topic, d.partition)"""
_CHOOSE = """
update lanes l set ids = x.ids
  from (select l.topic, l.partition, array_agg(o.id order by o.id) ids
          from lanes l cross join lateral
               (select id, sum(octet_length(key) + coalesce(octet_length(record), 0) + 100) over (order by id) bytes
                  from (select id, key, record from outbox o
                         where (o.topic, o.partition) = (l.topic, l.partition) order by id limit $1) o) o
         where l.ids = '{}' and o.bytes <= $2 group by 1, 2) x
 where (l.topic, l.partition) = (x.topic, x.partition)"""
_READ = """
select l.topic, l.partition, l.epoch, l.source, l.last, cardinality(l.ids) size, o.id, o.key, o.record
  from lanes l left join outbox o on (o.topic, o.partition) = (l.topic, l.partition) and o.id = any(l.ids)
 where l.ids <> '{}'
   and not exists (select from unnest($1::text[], $2::int[]) b(t, p) where (b.t, b.p) = (l.topic, l.partition))
 order by l.topic, l.partition, o.id"""
_WAITING = """
select exists (select from lanes l
                where not exists (select from unnest($1::text[], $2::int[]) b(t, p)
                                   where (b.t, b.p) = (l.topic, l.partition))
                  and (l.ids <> '{}'
                       or exists (select from outbox o where (o.topic, o.partition) = (l.topic, l.partition))))"""


@dataclass
class Plan:
    """The rows (key, record) of one lane that go out as one batch: the i-th carries number last + 1 + i.

    ids: of the rows in the outbox.
    """

    lane: Lane
    epoch: int
    source: str
    last: int
    size: int
    rows: list[tuple[str, bytes | None]]
    ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """Kafka has the plan of `lane` that was published from `last`; its batch ends before offset `tail`."""

    lane: Lane
    last: int
    tail: int


async def is_waiting(db: Connection, busy: Collection[Lane]) -> bool:
    """Whether a lane that is not busy has anything to send; without a lock."""
    return bool(await db.fetchval(_WAITING, *columns_of(busy)))


async def make_plans(db: Connection, answers: Mapping[Lane, Answer], busy: Collection[Lane]) -> list[Plan]:
    """The protocol's step 1: one transaction, committed before anything is sent. Plans of busy lanes are not read."""
    async with db.transaction(isolation="read_committed"):
        await db.fetch(_LOCK)
        if answers:
            rows = [(*answer.lane, answer.last, answer.tail) for answer in answers.values()]
            await db.execute(_ANSWERED, *map(list, zip(*rows, strict=True)))
        await db.execute(_CHOOSE, MOST_ROWS, MOST_BYTES)
        plans: dict[Lane, Plan] = {}
        for topic, partition, epoch, source, last, size, row, key, record in await db.fetch(_READ, *columns_of(busy)):
            lane = (topic, partition)
            if lane not in plans:
                plans[lane] = Plan(lane, epoch, source, last, size, [])
            if key is not None:  # a plan none of whose rows is there comes as one row of nothing
                plans[lane].rows.append((key, record))
                plans[lane].ids.append(row)
    broken = [plan for plan in plans.values() if len(plan.rows) != plan.size]
    if broken:
        lane, size, there = broken[0].lane, broken[0].size, len(broken[0].rows)
        raise PlanBroken(f"{lane} plans {size} rows, the outbox has {there} of them: put both tables back as they were")
    return list(plans.values())
