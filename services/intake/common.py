"""What every record carries, whatever its kind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.intake.fields import Closed, Feed, Identifier, Instant, Number, Plain, Reference, Version


class Common(Closed):
    """What every record carries. confirmed: the worker was asked about what cannot be, and says that it is so."""

    feed: Feed
    source_id: Reference | None = None
    revision: Number = 1
    revised_at: Instant | None = None
    version: Version | None = None
    withdrawn: Literal[False] = False
    division_code: Identifier
    drill: bool = False
    confirmed: Literal[True] | None = None
    corrected_because: Plain | None = Field(default=None, max_length=200)
