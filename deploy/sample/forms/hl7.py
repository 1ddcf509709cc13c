"""ORU^R01 of HL7 v2.5.1: one message a sample, as a laboratory's system sends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from deploy.sample.mail import Sent
from deploy.sample.people import Record
from deploy.sample.steps import MINUTE, STEPS

START, END = b"\x0b", b"\x1c\r"
_RNA = "94500-6^SARS-CoV-2 RNA^LN"
_FACILITIES = {"lis-haiyan": ("LIS", "HYLAB"), "lis-nanhu": ("LIS", "NHLAB")}
_RESULTS = {
    "positive": "260373001^Detected^SCT",
    "negative": "260415000^Not detected^SCT",
    "inconclusive": "419984006^Inconclusive^SCT",
}


def as_frames(received: Sequence[Sent]) -> bytes:
    """As they go over MLLP."""
    return b"".join(START + message + END for message in map(_message, received))


def as_lines(received: Sequence[Sent]) -> bytes:
    """One after the other, as a file of HL7."""
    return b"".join(map(_message, received))


def made_at(sent: Sent) -> datetime:
    """When the sender made this revision; a repeat bears the time of the first."""
    return STEPS[sent.made] - MINUTE + timedelta(seconds=sent.record.get("revision", 1))


def _message(sent: Sent) -> bytes:
    return "".join(f"{segment}\r" for segment in _segments(sent)).encode()


def _segments(sent: Sent) -> Iterable[str]:
    record, (application, facility) = sent.record, _FACILITIES[sent.feed]
    revision = record.get("revision", 1)
    order, state = record["source_id"], "F" if revision == 1 else "C"
    yield (
        f"MSH|^~\\&|{application}|{facility}|GRIDWARD|JIAXING|{_time(made_at(sent))}||ORU^R01|{order}-{revision}|P|2.5.1"
        "||||||UNICODE UTF-8"
    )
    number, division = record["person"]["id_number"], record["division_code"]
    yield f"PID|1||{number}^^^&2.16.156.10011.1.3&ISO^NI||||||||{'^' * 9}{division}"
    times = _told(record, "sampled_at"), _told(record, "resulted_at")
    yield f"OBR|1||{order}^{facility}|{_RNA}|||{times[0]}{'|' * 15}{times[1]}|||{state}"
    result = record["result"]
    yield f"OBX|1|CWE|{_RNA}||{_RESULTS.get(result, f'^{result}')}||||||{state}"
    if "ct_value" in record:
        yield f"OBX|2|NM|ORF1ab-Ct^ORF1ab Ct^L||{record['ct_value']}||||||{state}"


def _told(record: Record, field: str) -> str:
    return _time(datetime.fromisoformat(record[field]))


def _time(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S%z}"
