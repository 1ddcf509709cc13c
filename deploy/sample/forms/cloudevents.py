"""CloudEvents 1.0, structured, a line each: what a county's platform puts on a topic of its own cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deploy.sample.forms.hl7 import made_at
from deploy.sample.mail import Sent


def as_events(received: Sequence[Sent]) -> bytes:
    """Canonical records inside."""
    return b"".join(json.dumps(_event(sent), ensure_ascii=False).encode() + b"\n" for sent in received)


def _event(sent: Sent) -> dict[str, Any]:
    record = sent.record
    return {
        "specversion": "1.0",
        "id": f"{record['source_id']}-{record.get('revision', 1)}",
        "source": "/jiashan/platform",
        "type": "cn.jiashan.test-resulted",
        "time": made_at(sent).isoformat(),
        "datacontenttype": "application/json",
        "data": record,
    }
