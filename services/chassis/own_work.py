"""Transactions of a service's own work, which sees every row: at the start, at the door, for its books.

No route may import this (import-linter, "only the service's own work sees every row"): a person's request has
`App.reading(caller)` and `App.transaction(caller)`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from services.chassis import turns
from services.chassis.service import App


def transaction(app: App) -> AbstractAsyncContextManager[turns.Turn]:
    """Like `App.transaction`, as the owner of the tables."""
    return turns.transaction(app, turns.by_owner(app))


def reading(app: App) -> AbstractAsyncContextManager[turns.Turn]:
    """Like `App.reading`, as the owner of the tables."""
    return turns.reading(app, turns.by_owner(app))
