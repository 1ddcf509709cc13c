"""A digest in words, zh and en; it names clocks and divisions, never a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

WORDS = {
    "report.case.direct": ("病例网络直报", "direct report of a case"),
    "transfer.contact.to_quarantine": ("密接转运隔离", "transfer of a close contact"),
    "land.lead.list": ("下发名单排查", "lead from a list"),
    "land.lead.letter": ("协查函排查", "lead from a co-investigation letter"),
    "land.lead.tip": ("线索排查", "lead from a tip"),
    "visit": ("健康监测随访", "health check"),
}
VERDICTS = {"running": ("待办", "to do"), "missed": ("逾期", "overdue"), "unlimited": ("无时限", "no deadline known")}


def worded(items: Sequence[dict[str, Any]]) -> dict[str, str]:
    """{"zh": …, "en": …}: how many of what, overdue first; provisional values and drills are marked."""
    counts = Counter(
        (item["about"], item["verdict"], item.get("standing") == "provisional", item["drill"]) for item in items
    )
    order = sorted(counts.items(), key=lambda entry: (entry[0][1] != "missed", entry[0]))
    zh = [f"{_marks(key, 0)}{WORDS[key[0]][0]} {n} 项{VERDICTS[key[1]][0]}" for key, n in order]
    en = [f"{_marks(key, 1)}{n} × {WORDS[key[0]][1]} {VERDICTS[key[1]][1]}" for key, n in order]
    return {"zh": "；".join(zh), "en": "; ".join(en)}


def _marks(key: tuple[str, str, bool, bool], language: int) -> str:
    provisional = ("【暂行】", "[provisional] ")[language] if key[2] else ""
    return (("【演练】", "[drill] ")[language] if key[3] else "") + provisional
