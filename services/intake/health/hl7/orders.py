"""ORU^R01 cut into samples: orders with their lines, those of one person under one number together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.intake.health.codes import Coded
from services.intake.health.hl7.message import Field, Message, Segment
from services.intake.health.hl7.patients import patient_of
from services.intake.health.people import Patient
from services.intake.health.saying import Common, Measured

_WITHDRAWN = ("D", "W", "X")  # table 0085: deleted, wrong, cannot be obtained
_CANCELLED = "X"  # of an order in table 0123, of a line in table 0085
_TAKEN = ("", "F", "C", "U", "P", "A")  # final, corrected, preliminary, partial


@dataclass
class Order:
    """An OBR with the OBX and SPM that follow it, under the PID before it."""

    pid: Segment
    obr: Segment
    observations: list[Segment] = field(default_factory=list)
    specimens: list[Segment] = field(default_factory=list)


class Line(NamedTuple):
    """state: X of an order that is cancelled (OBR-25), else OBX-11, where that is empty OBR-25."""

    state: str
    measured: Measured


@dataclass
class Sample:
    """One person's orders of one number: a laboratory may make an order of each gene and number the tube.

    lines: those that are of use.
    """

    order_id: str
    patient: Patient
    orders: list[Order]
    lines: list[Line]

    @property
    def place(self) -> str:
        return f"OBR^{self.orders[0].obr.number}"

    @property
    def tube(self) -> str:
        """The id of the pooled specimen (SPM-11 of table 0369: L), or ""."""
        specimens = (spm for order in self.orders for spm in order.specimens)
        pooled = next((spm for spm in specimens if spm.get(11) == "L"), None)
        return (pooled.get(2, 2) or pooled.get(2, 1))[:64] if pooled else ""

    @property
    def taken(self) -> list[Measured]:
        return [line.measured for line in self.lines if line.state in _TAKEN]

    @property
    def has_result(self) -> bool:
        """Whether anything that was taken is more than cycles."""
        return any(each.measures != "ct" for each in self.taken)

    @property
    def is_withdrawn(self) -> bool:
        """By its results; cycles alone, where there are no others, since they are left as they were by many."""
        results = [line for line in self.lines if line.measured.measures != "ct"] or self.lines
        return bool(results) and all(line.state in _WITHDRAWN for line in results)

    @property
    def is_cancelled(self) -> bool:
        return all(_is_cancelled(order) for order in self.orders)


def samples_of(message: Message, common: Common) -> list[Sample]:
    """In the order of their first OBR."""
    samples = dict[tuple[str, str], Sample]()
    for order in _orders(message):
        order_id, patient = _order_id(order, message), patient_of(order.pid, common.source)
        sample = samples.setdefault((patient.key, order_id), Sample(order_id, patient, [], []))
        sample.orders.append(order)
        sample.lines += _lines(order, common)
    return list(samples.values())


def _orders(message: Message) -> Iterator[Order]:
    """Groups by their order alone: ORC, NTE and segments of local make stand between them or do not."""
    pid, order = message.first("PID"), None
    for segment in message.segments:
        if segment.name == "PID":
            pid = segment
        elif segment.name == "OBR":
            if order:
                yield order
            order = Order(pid, segment)
        elif order and segment.name == "OBX":
            order.observations.append(segment)
        elif order and segment.name == "SPM":
            order.specimens.append(segment)
    if order:
        yield order


def _order_id(order: Order, message: Message) -> str:
    """The laboratory's number, else the hospital's, else the place in this message: the same when it is sent again."""
    filler, placer = order.obr.get(3), order.obr.get(2)
    if filler or placer:
        return filler or f"placer/{placer}"
    return f"message/{message.header.get(10)}/{order.obr.number}"


def _lines(order: Order, common: Common) -> Iterator[Line]:
    """What is of use of an order. A single OBX without a known code is what its OBR says; of several, nobody knows."""
    codes = common.source.codes
    whole = codes.measure(coded_of(order.obr.all(4)))
    known, unknown = list[Line](), list[Line]()
    for obx in order.observations:
        measures = codes.measure(coded_of(obx.all(3))) or (whole if len(order.observations) == 1 else None)
        said = [*_values(obx), *(Coded("HL70078", each.part(), "") for each in obx.all(8))]
        measured = Measured(measures or "", said, _number(obx), obx.place(5 if measures else 3))
        state = _CANCELLED if _is_cancelled(order) else obx.get(11) or order.obr.get(25)
        (known if measures else unknown).append(Line(state, measured))
    yield from known
    if whole in ("rna", "target") and all(line.measured.measures == "ct" for line in known):
        yield from unknown


def _is_cancelled(order: Order) -> bool:
    return order.obr.get(25) == _CANCELLED


def _number(obx: Segment) -> str:
    """A structured number of more or less than something (SN-1) is none."""
    if obx.get(2) != "SN":
        return obx.get(5)
    return obx.get(5, 2) if obx.get(5) in ("", "=") else ""


def _values(obx: Segment) -> Iterator[Coded]:
    if obx.get(2) in ("CE", "CWE", "CNE", "CF"):
        yield from coded_of(obx.all(5))
    else:
        yield from (Coded("", "", each.part()) for each in obx.all(5))


def coded_of(fields: Sequence[Field]) -> Iterator[Coded]:
    """A coded element (CE, CWE): identifier, text, system; then the same of the alternative."""
    for each in fields:
        yield Coded(each.part(3), each.part(1), each.part(2))
        if each.part(4) or each.part(5):
            yield Coded(each.part(6), each.part(4), each.part(5))
