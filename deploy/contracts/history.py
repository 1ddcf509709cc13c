"""The contracts as they are in the working tree, and as they were at a revision of git."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import PurePosixPath
from typing import Any

import yaml

from deploy.contracts.breaking import Contract
from deploy.contracts.published import ASYNCAPI, CONTRACTS, ROOT, asyncapi, schemas

RELEASES = "v[0-9]*"


class UnknownRevision(ValueError):
    """Git does not know the revision that was named."""


def current() -> Contract:
    """As the code says now; golden examples as they lie in the working tree."""
    golden = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in CONTRACTS.glob("golden/*.json")}
    return Contract(schemas(), asyncapi(), golden)


def at(revision: str) -> Contract | None:
    """As committed at a revision; None where it had no contracts yet. Raises UnknownRevision."""
    if _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is None:
        raise UnknownRevision(f"git knows no revision {revision!r}: fetch it (a shallow clone has no history or tags)")
    archive = _git("archive", "--format=tar", revision, CONTRACTS.name)
    texts = _texts(archive) if archive is not None else {}
    if ASYNCAPI not in texts:
        return None
    return Contract(_of("schemas", texts), yaml.safe_load(texts[ASYNCAPI]), _of("golden", texts))


def baselines() -> list[str]:
    """What to compare with when nobody says: the last commit, and the release before it (without one, its parent)."""
    tag = _git("describe", "--tags", "--abbrev=0", f"--match={RELEASES}", "HEAD~1")
    names = ["HEAD", tag.decode().strip() if tag else "HEAD~1"]
    return [name for name in names if _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is not None]


def _of(folder: str, texts: dict[str, str]) -> dict[str, Any]:
    paths = (PurePosixPath(name) for name in texts)
    return {path.stem: json.loads(texts[str(path)]) for path in paths if path.parts[0] == folder}


def _texts(archive: bytes) -> dict[str, str]:
    """Path below `contracts/` -> text, of the generated files and the golden examples."""
    wanted = ("schemas/", "golden/", ASYNCAPI)
    texts = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            path = member.name.removeprefix(f"{CONTRACTS.name}/")
            file = tar.extractfile(member) if member.isfile() and path.startswith(wanted) else None
            if file is not None:
                texts[path] = file.read().decode()
    return texts


def _git(*words: str) -> bytes | None:
    """What git prints; None when it refuses or is not there."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
