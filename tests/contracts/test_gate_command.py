"""`python -m deploy.contracts check` on a copy of the project under git: what CI runs fails when it should."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.envelope import REGISTRY
from deploy.contracts.published import ROOT

COPIED = ("contracts", "services", "deploy")
CASES, TESTING = Path("contracts/events/cases.py"), Path("contracts/events/testing.py")


class Project:
    """A copy of the project, committed to a repository of its own and released as v1."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", root)
        self.git("init", "--quiet")
        self.commit()
        self.git("tag", "v1")

    def git(self, *words: str) -> None:
        named = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", *named, *words], cwd=self.root, check=True, capture_output=True, timeout=30)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")

    def edit(self, path: Path, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert text.count(old) >= 1
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "deploy.contracts", *words]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_an_unchanged_project_passes(project: Project) -> None:
    code, said = project.run("check")
    assert (code, said.splitlines()[-1]) == (0, f"contracts: {len(REGISTRY.facts)} events, fresh, nothing broken")


def test_a_break_fails_before_and_after_it_is_committed(project: Project) -> None:
    project.edit(TESTING, '    INCONCLUSIVE = "inconclusive"\n', "")
    assert "schemas/tube-resulted.json: run `python -m deploy.contracts write`" in project.run("check")[1]
    project.run("write")
    code, said = project.run("check")
    assert code == 1
    assert "tube-resulted: data.result: no longer takes inconclusive (since HEAD)" in said
    project.commit()
    project.commit()
    code, said = project.run("check")
    assert code == 1
    assert "tube-resulted: data.result: no longer takes inconclusive (since v1)" in said


def test_a_new_optional_field_passes_once_it_is_written(project: Project) -> None:
    project.edit(CASES, "    reported_at: Instant\n", "    reported_at: Instant\n    card_id: Id | None = None\n")
    assert project.run("check")[0] == 1
    assert "wrote contracts/schemas/case-reported.json" in project.run("write")[1]
    code, said = project.run("check", "--against", "v1")
    assert code == 0
    assert "allowed since v1; case-reported: update tracing, alerts, rollup before intake" in said


def test_a_committed_golden_example_is_never_written_over(project: Project) -> None:
    project.edit(CASES, "    reported_at: Instant\n", "    reported_at: Instant\n    card_id: Id\n")
    assert "golden/" not in project.run("write")[1]
    code, said = project.run("check")
    assert code == 1
    assert "golden/case-reported.json: record 1" in said
    assert "case-reported: data.card_id: newly required" in said


def test_an_unknown_revision_says_to_fetch_it(project: Project) -> None:
    code, said = project.run("check", "--against", "v9")
    assert code == 1
    assert "git knows no revision 'v9': fetch it" in said


def test_a_revision_without_contracts_is_nothing_to_compare_with(project: Project) -> None:
    project.git("checkout", "--quiet", "--orphan", "first")
    project.git("rm", "-r", "--quiet", "--cached", "contracts/asyncapi.yaml")
    project.git("commit", "--quiet", "--message", "before")
    code, said = project.run("check", "--against", "HEAD")
    assert code == 0
    assert "nothing to compare with: HEAD has no contracts/asyncapi.yaml" in said
