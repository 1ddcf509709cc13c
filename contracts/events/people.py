"""Who is whom: two ids that turned out to mean one person (a double registration), and that they did not after all."""

from __future__ import annotations

from typing import ClassVar

from contracts.envelope import Fact, Id, Instant, fact


@fact
class PersonsMerged(Fact):
    """Two ids mean one person, as somebody with the post decided; withdrawn: they mean two people after all.

    What was said under either id stays as it is; whoever reads it takes both for one person, known by person_id
    (`contracts.persons.Merged`). decided_by: a post, never a name.
    """

    type: ClassVar[str] = "persons-merged"

    person_id: Id
    other_id: Id
    decided_at: Instant
    decided_by: Id
