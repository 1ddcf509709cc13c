"""Intake's door as a sender meets it over HTTP: lines go in, a verdict for each comes back, in order."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from services.chassis.errors import GridwardError
from services.intake.problems import Language

NDJSON = "application/x-ndjson"
TRIES = 5
_COME_BACK, _LONGEST_WAIT = 429, 60
TIMEOUT = httpx.Timeout(120.0, connect=10.0)


class SendError(GridwardError):
    """The door could not be reached or refused the whole request; what was answered before is kept there."""


@dataclass(frozen=True)
class Target:
    """Where the file goes, and how the sheet is meant: the year of `3.5`, the division of all rows."""

    to: str
    token: str
    year: int | None = None
    division: str | None = None


def client_of(target: Target) -> httpx.Client:
    """Raises SendError when the target cannot be meant."""
    if not re.fullmatch(r"[!-~]+", target.token):
        raise SendError("no token, or one that is none: give --token one of `gridward token` or of your issuer")
    try:
        url = httpx.URL(target.to)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise SendError(f"{target.to!r} is no address: give --to one such as http://127.0.0.1:8000")
    headers = {"authorization": f"Bearer {target.token}", "accept-language": own_language(), "content-type": NDJSON}
    return httpx.Client(headers=headers, timeout=TIMEOUT)


def post(client: httpx.Client, target: Target, lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """The verdicts in the order of the lines. A request that was not answered whole goes again: repeats are known."""
    if not lines:
        return iter(())
    verdicts = _answered(client, f"{target.to.rstrip('/')}/records", b"\n".join(lines))
    if len(verdicts) != len(lines):
        raise SendError(f"{len(verdicts)} verdicts for {len(lines)} rows: send the file again")
    return iter(verdicts)


def _answered(client: httpx.Client, url: str, body: bytes) -> list[dict[str, Any]]:
    why = ""
    for tried in range(TRIES):
        try:
            answer = client.post(url, content=body)
            while answer.status_code == _COME_BACK and (wait := answer.headers.get("retry-after", "")).isdecimal():
                time.sleep(min(int(wait), _LONGEST_WAIT))  # the door is well and says when there is room
                answer = client.post(url, content=body)
        except httpx.TransportError as error:
            why = f"does not answer ({type(error).__name__})"
        else:
            verdicts = _verdicts(answer)
            if verdicts and "error" not in verdicts[-1]:
                return verdicts
            why = f"answered {answer.status_code}: {verdicts[-1]['error'] if verdicts else answer.text[:300]}"
            if not verdicts and answer.status_code < 500:
                break
        time.sleep(0.2 * 2**tried)
    raise SendError(f"{url} {why}. Check --to and --token, then send the file again: repeats are recognised")


def _verdicts(answer: httpx.Response) -> list[dict[str, Any]]:
    """A line each, the last one an error if it was broken off; none of a refusal, or of what is no door of intake."""
    try:
        lines = [json.loads(line) for line in answer.content.splitlines()] if answer.status_code == 200 else []
    except ValueError:
        return []
    return lines if all(isinstance(line, dict) and line.keys() & {"verdict", "error"} for line in lines) else []


def own_language() -> Language:
    """In which the door answers: that of the sender's environment."""
    words = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, words), "").startswith("zh") else "en"
