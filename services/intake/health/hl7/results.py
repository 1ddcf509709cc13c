"""ORU^R01: nucleic acid results of single samples and of pooled tubes (HL7 v2.5.1 §7.3.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from services.intake.health.hl7.message import Message, Segment
from services.intake.health.hl7.orders import Sample, samples_of
from services.intake.health.items import Item, Unused
from services.intake.health.moments import read_moment
from services.intake.health.pooling import people_of, result_of
from services.intake.health.saying import Common, Given, first_of, taken_back, test_of, to_the_minute
from services.intake.problems import Problem


def said_of_results(message: Message, common: Common) -> Iterator[Item | Unused]:
    """A `test` for each sample; a `tube-result` for each pooled tube, and a `tube` for each of its people."""
    samples = samples_of(message, common)
    if not samples:
        yield Unused("OBR^1", Problem("", "no_results"))
    single, tubes = list[Sample](), dict[str, list[Sample]]()
    for sample in samples:
        pooled = sample.tube and sample.lines
        (tubes.setdefault(sample.tube, []) if pooled else single).append(sample)
    people = Counter(sample.order_id for sample in single if sample.lines)
    for sample in single:
        said = _single(sample, message, common)
        yield from map(_of_several, said) if people[sample.order_id] > 1 else said
    for tube, members in tubes.items():
        yield from _pooled(tube, members, message, common)


def _single(sample: Sample, message: Message, common: Common) -> Iterator[Item | Unused]:
    source_id = f"{message.header.get(4)}/{sample.order_id}"
    if not sample.lines and sample.is_cancelled:
        yield taken_back(sample.place)
        yield Item(sample.place, common.withdrawal("test", source_id), only_if_known=True)
        yield from _of_a_tube(sample, message, common)
    elif not sample.lines:
        yield Unused(sample.place, Problem("", "no_nucleic_acid"))
    elif sample.is_withdrawn:
        yield Item(sample.place, common.withdrawal("test", source_id))
        yield from _of_a_tube(sample, message, common)
    elif not sample.has_result:
        yield Unused(sample.place, Problem("", "not_final"))
    else:
        times = _sampled(sample, common), _resulted(sample, message, common)
        yield test_of(common, source_id, sample.patient, sample.taken, *times, sample.place)


def _of_a_tube(sample: Sample, message: Message, common: Common) -> Iterator[Item]:
    """What was said if the order was of a tube: the specimen that says so may be missing where nothing is told."""
    tubes = dict.fromkeys((sample.tube, "", sample.order_id))
    gone = {_people_id(message, sample, tube): "tube" for tube in tubes}
    if not sample.patient.is_named:
        gone |= {_tube_id(message, tube): "tube-result" for tube in tubes if tube}
    for said, kind in gone.items():
        yield Item(sample.place, common.withdrawal(kind, said), only_if_known=True)


def _of_several(said: Item | Unused) -> Item | Unused:
    """Under one number the last of them alone would stand."""
    if isinstance(said, Unused) or said.record.get("withdrawn"):
        return said
    problems = (*said.problems, Problem("source_id", "number_of_several"))
    return said._replace(problems=problems, places={**said.places, "source_id": f"{said.place}^3"})


def _pooled(tube: str, members: Sequence[Sample], message: Message, common: Common) -> Iterator[Item | Unused]:
    """Each member is a record of its own: laboratories send a message a patient, and correct one patient alone."""
    told = [each for each in members if not each.is_withdrawn and each.has_result]
    for each in members:
        said = _people_id(message, each, tube)
        if each.is_withdrawn:
            if each.patient.is_named:
                yield Item(each.place, common.withdrawal("tube", said))
        elif not each.has_result:
            yield Unused(each.place, Problem("", "not_final"))
        elif each.patient.is_named:
            yield people_of(common, said, tube, [each.patient], _sampled(each, common), each.place)
    source_id = _tube_id(message, tube)
    if told:
        report = [line for each in told for line in each.taken]
        times = _sampled(told[0], common), _resulted(told[0], message, common)
        yield result_of(common, source_id, tube, report, times, told[0].place)
    elif all(each.is_withdrawn for each in members) and not _is_one_member(members):
        yield Item(members[0].place, common.withdrawal("tube-result", source_id))


def _is_one_member(members: Sequence[Sample]) -> bool:
    """What is withdrawn of one person says nothing of the others in the tube."""
    return len(members) == 1 and members[0].patient.is_named


def _tube_id(message: Message, tube: str) -> str:
    return f"{message.header.get(4)}/tube/{tube}"


def _people_id(message: Message, sample: Sample, tube: str) -> str:
    """By the order, so that one without its specimen is found; where that is the tube's number, by the person too."""
    said = f"{message.header.get(4)}/{sample.order_id}/people"
    if sample.order_id != tube:
        return said
    return f"{said}/{sample.patient.digest}"


def _given(segment: Segment, number: int, common: Common) -> Given:
    text = segment.get(number)
    return Given(text, read_moment(text, common.source.tz), segment.place(number))


def _sampled(sample: Sample, common: Common) -> Given | None:
    specimens = (_given(spm, 17, common) for order in sample.orders for spm in order.specimens)
    orders = (_given(order.obr, number, common) for order in sample.orders for number in (7, 14))
    return first_of((*specimens, *orders))


def _resulted(sample: Sample, message: Message, common: Common) -> Given | None:
    """OBX-14 is when the sample was taken in many laboratories, so the report's and the analysis' time go before it."""
    reported = (_given(order.obr, 22, common) for order in sample.orders)
    lines = [obx for order in sample.orders for obx in order.observations]
    analysed = (_given(obx, number, common) for number in (19, 14) for obx in lines)
    return to_the_minute((*reported, *analysed, _given(message.header, 7, common)))
