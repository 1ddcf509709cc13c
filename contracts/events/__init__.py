"""Every event of the house, one module a subject. Importing this package fills the registry."""

from contracts.events import (
    canvassing,
    cases,
    contacts,
    deadlines,
    leads,
    needs,
    people,
    policies,
    quarantine,
    testing,
    vaccinations,
)

__all__ = [
    "canvassing",
    "cases",
    "contacts",
    "deadlines",
    "leads",
    "needs",
    "people",
    "policies",
    "quarantine",
    "testing",
    "vaccinations",
]
