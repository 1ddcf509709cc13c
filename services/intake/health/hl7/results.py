"""ORU^R01: nucleic acid results of single samples and of pooled tubes (HL7 v2.5.1 §7.3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services.intake.health.codes import Coded
from services.intake.health.hl7.message import Field, Message, Segment
from services.intake.health.hl7.patients import patient_of
from services.intake.health.items import Item, Unused
from services.intake.health.moments import read_moment
from services.intake.health.pooling import tube_of
from services.intake.health.saying import Common, Given, Measured, first_of, test_of, to_the_minute
from services.intake.problems import Problem

_WITHDRAWN = ("D", "W", "X")  # table 0085: deleted, wrong, cannot be obtained
_TAKEN = ("", "F", "C", "U", "P", "A")  # final, corrected, preliminary, partial


@dataclass
class Order:
    """An OBR with the OBX and SPM that follow it, under the PID before it."""

    pid: Segment
    obr: Segment
    observations: list[Segment] = field(default_factory=list)
    specimens: list[Segment] = field(default_factory=list)

    @property
    def tube(self) -> str:
        """The id of the pooled specimen (SPM-11 of table 0369: L), or ""."""
        pooled = next((spm for spm in self.specimens if spm.get(11) == "L"), None)
        return (pooled.get(2, 2) or pooled.get(2, 1))[:64] if pooled else ""


def said_of_results(message: Message, common: Common) -> Iterator[Item | Unused]:
    """A `test` for each sample; a `tube-result` for each pooled tube, and the `tube` where its people are named."""
    orders = list(_orders(message))
    if not orders:
        yield Unused("OBR^1", Problem("", "no_results"))
    tubes = dict[str, list[tuple[Order, list[Measured]]]]()
    for order in orders:
        place = f"OBR^{order.obr.number}"
        lines = _lines(order, common)
        if not lines:
            yield Unused(place, Problem("", "no_nucleic_acid"))
            continue
        states = {state for state, _ in lines}
        taken = [measured for state, measured in lines if state in _TAKEN]
        source_id = f"{message.header.get(4)}/{_order_id(order, message)}"
        if not taken and states <= set(_WITHDRAWN):
            kind = "tube-result" if order.tube else "test"
            said = f"{message.header.get(4)}/tube/{order.tube}" if order.tube else source_id
            yield Item(place, common.withdrawal(kind, said))
        elif not any(each.measures != "ct" for each in taken):
            yield Unused(place, Problem("", "not_final"))
        elif order.tube:
            tubes.setdefault(order.tube, []).append((order, taken))
        else:
            yield _test(order, taken, source_id, message, common, place)
    for tube, parts in tubes.items():
        yield from _tube(tube, parts, message, common)


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


def _lines(order: Order, common: Common) -> list[tuple[str, Measured]]:
    """What is of use of an order: (OBX-11, the line). A single OBX without a known code is what its OBR says."""
    codes = common.source.codes
    whole = codes.measure(coded_of(order.obr.all(4))) if len(order.observations) == 1 else None
    lines = []
    for obx in order.observations:
        measures = codes.measure(coded_of(obx.all(3))) or whole
        if measures is None:
            continue
        said = [*_values(obx), *(Coded("HL70078", each.part(), "") for each in obx.all(8))]
        number = obx.get(5, 2) if obx.get(2) == "SN" else obx.get(5)
        lines.append((obx.get(11) or order.obr.get(25), Measured(measures, said, number, obx.place(5))))
    return lines


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


def _given(segment: Segment, number: int, common: Common) -> Given:
    text = segment.get(number)
    return Given(text, read_moment(text, common.source.tz), segment.place(number))


def _sampled(order: Order, common: Common) -> Given | None:
    specimens = (_given(spm, 17, common) for spm in order.specimens)
    return first_of((*specimens, _given(order.obr, 7, common), _given(order.obr, 14, common)))


def _resulted(order: Order, message: Message, common: Common) -> Given | None:
    """OBX-14 is when the sample was taken in many laboratories, so the report's and the analysis' time go before it."""
    analysed = (_given(obx, number, common) for number in (19, 14) for obx in order.observations)
    return to_the_minute((_given(order.obr, 22, common), *analysed, _given(message.header, 7, common)))


def _test(order: Order, taken: list[Measured], source_id: str, message: Message, common: Common, place: str) -> Item:
    patient = patient_of(order.pid, common.source)
    times = _sampled(order, common), _resulted(order, message, common)
    return test_of(common, source_id, patient, taken, *times, place)


def _tube(tube: str, parts: Sequence[tuple[Order, list[Measured]]], message: Message, common: Common) -> Iterator[Item]:
    order, report = parts[0][0], [line for _, lines in parts for line in lines]
    people = [patient_of(part.pid, common.source) for part, _ in parts]
    times = _sampled(order, common), _resulted(order, message, common)
    source_id = f"{message.header.get(4)}/tube/{tube}"
    yield from tube_of(common, source_id, tube, people, report, times, f"OBR^{order.obr.number}")
