"""Orders of HL7 v2 as laboratories make them: several of one number, of codes nobody knows, cancelled ones."""

from __future__ import annotations

from tests.rules.hl7_messages import header, message, obr, obx, pid
from tests.rules.test_health_hl7_tubes import records

ORF, N = "94559-2^ORF1ab^LN", "94533-7^N^LN"


def test_orders_of_one_person_and_number_make_one_test() -> None:
    genes = obr("T1", code=ORF), obx("阳性", ORF, type="ST"), obr("T1", code=N), obx("阴性", N, type="ST")
    [told] = records(message(header(), pid(1), *genes))
    assert (told["source_id"], told["result"]) == ("JSLAB/T1", "inconclusive")
    other = obr("T1", code="76078-5^Influenza A RNA^LN"), obx("阳性", "76078-5^Influenza A RNA^LN", type="ST")
    [told] = records(message(header(), pid(1), obr("T1", code=ORF), obx("阴性", ORF, type="ST"), *other))
    assert told["result"] == "negative"


def test_orders_of_one_number_and_two_people_are_not_put_together() -> None:
    genes = obr("T1", code=ORF), obx("阳性", ORF, type="ST"), pid(2), obr("T1", code=N), obx("阴性", N, type="ST")
    told = records(message(header(), pid(1), *genes))
    assert [each["result"] for each in told] == ["positive", "negative"]
