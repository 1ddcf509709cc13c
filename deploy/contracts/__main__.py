"""`python -m deploy.contracts write | check [--against REV]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from contracts.envelope import REGISTRY
from deploy.contracts.breaking import Contract, breaks, update_first
from deploy.contracts.examples import FOLDER, draft, unreadable
from deploy.contracts.history import UnknownRevision, at, baselines, current
from deploy.contracts.published import CONTRACTS, ROOT, files, pretty
from deploy.contracts.tables import homeless, with_tables

README = ROOT / "README.md"
DOCS = ROOT / "docs"
MEND = "run `python -m deploy.contracts write` and commit what it changes"


def wanted() -> dict[Path, str]:
    """Every generated file, and every document with tables in it, with the text that it should have."""
    documents = {path: path.read_text(encoding="utf-8") for path in _documents()}
    return {CONTRACTS / name: text for name, text in files().items()} | {
        path: with_tables(text) for path, text in documents.items()
    }


def stale() -> list[str]:
    """A line for each generated file that is missing, out of date, or left over."""
    texts = wanted()
    lines = [f"{_name(path)}: {MEND}" for path, text in texts.items() if _read(path) != text]
    lines += [f"{_name(path)}: of no event any more; {MEND}" for path in _left_over(texts)]
    return lines + (homeless("".join(texts[path] for path in _documents())) if README.exists() else [])


def golden_problems() -> list[str]:
    """A line for each event without an example, and each example that can no longer be read."""
    records = current().golden
    lines = [f"golden/{wire}.json is missing: {MEND}" for wire in REGISTRY.facts if not records.get(wire)]
    return lines + [f"golden/{wire}.json: {why}" for wire, read in records.items() for why in unreadable(read)]


def write() -> None:
    """Make every generated file anew, and examples where there are none or they were never committed."""
    texts = wanted()
    for path in _left_over(texts):
        path.unlink()
    committed = at("HEAD") if "HEAD" in baselines() else None
    for path, text in (*texts.items(), *_drafts(committed)):
        if _read(path) != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {_name(path)}")


def broken(revisions: list[str]) -> list[str]:
    """A line for each break since any of the revisions. Prints who must be updated first. Raises UnknownRevision."""
    now, lines = current(), list[str]()
    if not revisions:
        print("nothing to compare with: no commit of git is at hand")
    for revision in revisions:
        before = at(revision)
        if before is None:
            print(f"nothing to compare with: {revision} has no contracts/asyncapi.yaml")
            continue
        lines += [f"{line} (since {revision})" for line in breaks(before, now)]
        for line in update_first(before, now):
            print(f"allowed since {revision}; {line}")
    return lines


def main(words: list[str]) -> int:
    """0: done, or nothing wrong. 1: what is wrong was printed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.contracts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="generate schemas, asyncapi.yaml, missing examples and README tables")
    check = commands.add_parser("check", help="prove them fresh, and that no change breaks old records")
    check.add_argument("--against", metavar="REV", help="compare with this revision alone; else HEAD and the last tag")
    asked = parser.parse_args(words)
    if asked.command == "write":
        write()
        return 0
    try:
        problems = [*stale(), *golden_problems(), *broken([asked.against] if asked.against else baselines())]
    except UnknownRevision as error:
        problems = [str(error)]
    print("\n".join(problems) or f"contracts: {len(REGISTRY.facts)} events, fresh, nothing broken")
    return 1 if problems else 0


def _drafts(committed: Contract | None) -> Iterator[tuple[Path, str]]:
    """Examples that `write` may make: of events that have none, or whose own were never committed and do not parse."""
    for wire, fact in REGISTRY.facts.items():
        path = FOLDER / f"{wire}.json"
        if committed is None or wire not in committed.golden:
            text = _read(path)
            if text is None or unreadable(json.loads(text)):
                yield path, pretty(draft(fact))


def _documents() -> list[Path]:
    return [path for path in (README, *sorted(DOCS.rglob("*.md"))) if path.exists()]


def _left_over(texts: dict[Path, str]) -> list[Path]:
    return [path for path in sorted(CONTRACTS.glob("schemas/*.json")) if path not in texts]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
