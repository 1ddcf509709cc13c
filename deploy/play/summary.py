"""The summary after a play: the province's figures, the counties, the books, and whether all of it is the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.play.compare import CITY, PROVINCE, Figures, Observed

FOUND_HOW = ("mass_testing", "canvassing", "fever_clinic", "under_control")
LINES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Canvassed",
        (
            ("households", "households-canvassed"),
            ("persons screened", "persons-screened"),
            ("feverish", "feverish"),
            ("from source areas", "arrivals"),
        ),
    ),
    ("Tested", (("tubes", "tubes-sampled"), ("positive tubes", "tubes-positive"), ("single tests", "tests-done"))),
    (
        "Cases confirmed",
        (("", "cases-confirmed"), *((how.replace("_", " "), f"cases-confirmed.{how}") for how in FOUND_HOW)),
    ),
    ("Contacts", (("close", "close-contacts"), ("secondary", "secondary-contacts"), ("casual", "casual-contacts"))),
    (
        "Now",
        (
            ("in quarantine", "in-quarantine"),
            ("in health monitoring", "in-health-monitoring"),
            ("isolated", "isolated"),
            ("awaiting order", "awaiting-order"),
            ("awaiting transfer", "awaiting-transfer"),
            ("released", "released"),
        ),
    ),
    ("Visits", (("done", "visits-done"), ("missed", "visits-missed"))),
    (
        "Deadlines",
        (("kept", "deadlines-kept"), ("late", "deadlines-late"), ("missed", "deadlines-missed")),
    ),
    ("Messages", (("sent", "messages-sent"),)),
    (
        "Leads",
        (
            ("received", "leads-received"),
            ("landed", "leads-landed"),
            ("not found", "leads-not-found"),
            ("closed", "leads-closed"),
            ("nobody has followed", "leads-open"),
        ),
    ),
    ("Needs", (("asked", "needs-asked"), ("met", "needs-met"))),
    ("Vaccinated", (("persons", "persons-vaccinated"), ("doses", "doses-given"))),
)
COLUMNS = (
    ("screened", "persons-screened"),
    ("cases", "cases-confirmed"),
    ("close", "close-contacts"),
    ("secondary", "secondary-contacts"),
    ("in q.", "in-quarantine"),
    ("released", "released"),
    ("kept", "deadlines-kept"),
    ("late", "deadlines-late"),
    ("missed", "deadlines-missed"),
    ("messages", "messages-sent"),
)
SHOWN_DIFFERENCES = 20


def print_summary(console: Console, observed: Observed, wrong: Sequence[str], scale: float, seconds: float) -> None:
    """Print it. wrong: what differs from the truth, in words."""
    console.rule(f"Jiaxing, 5 to 28 March 2022, contacts {_ratio(scale)}; nobody in it is real")
    _totals(console, observed.figures.get(PROVINCE, {}))
    _counties(console, observed)
    _books(console, observed, seconds)
    if not wrong:
        console.print("[bold green]✓ Equal to the truth made without the services[/]: every figure, every end state")
        return
    console.print(f"[bold red]✗ {len(wrong):,} differences from the truth:[/]")
    for line in wrong[:SHOWN_DIFFERENCES]:
        console.print(f"  {escape(line)}")


def _ratio(scale: float) -> str:
    return "1:1" if scale == 1 else f"1:{1 / scale:g}"


def _totals(console: Console, province: Figures) -> None:
    table = Table(
        box=None,
        show_header=False,
        padding=(0, 2, 0, 0),
        title="Zhejiang, as the province sees it",
        title_justify="left",
    )
    for name, parts in LINES:
        words = ", ".join(f"[bold]{province.get(code, 0):,}[/] {word}".rstrip() for word, code in parts)
        table.add_row(name, words)
    console.print(table)


def _counties(console: Console, observed: Observed) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("county", no_wrap=True)
    for head, _ in COLUMNS:
        table.add_column(head, justify="right", no_wrap=True)
    for code in sorted(code for code in observed.figures if code not in (PROVINCE, CITY)):
        table.add_row(observed.names[code], *_row(observed.figures[code]))
    table.add_section()
    table.add_row(observed.names.get(CITY, CITY), *_row(observed.figures.get(CITY, {})), style="bold")
    console.print(table)


def _row(figures: Figures) -> list[str]:
    return [f"{figures.get(code, 0):,}" for _, code in COLUMNS]


def _books(console: Console, observed: Observed, seconds: float) -> None:
    sums = _summed(observed.ledger)
    console.print(
        f"Ledger     {sums['received']:,} received = {sums['accepted']:,} accepted + {sums['duplicate']:,} duplicate "
        f"+ {sums['rejected']:,} rejected + {sums['pending']:,} pending"
    )
    owed = escape("; ".join(observed.owed)) or f"positions.last = lanes.last in all {observed.lanes} lanes"
    console.print(f"Books      {observed.applied:,} events applied once each; {owed}")
    dead = sum(observed.dead_letters.values())
    console.print(f"Drift      {observed.drift} figures differ from their rows; {dead} dead letters")
    console.print(f"Played     {observed.played.steps} steps of the stage clock in {seconds:.0f} s")


def _summed(ledger: Mapping[str, Figures]) -> Figures:
    names = ("received", "accepted", "duplicate", "rejected", "pending")
    return {name: sum(feed.get(name, 0) for feed in ledger.values()) for name in names}
