"""Specimens of several people by FHIR: a tube, its people and its result."""

from __future__ import annotations

from tests.rules.fhir_messages import bundle, loinc, observation, patient, pool, report, specimen
from tests.rules.hl7_messages import a_number
from tests.rules.test_health_fhir import records


def test_a_pooled_specimen_of_a_group_becomes_a_tube_and_its_result() -> None:
    tube, result = records(bundle(patient(1), patient(2), *pool(1, 2, 2, 3)))
    assert (tube["kind"], tube["tube_id"], tube["sampled_at"]) == ("tube", "TUBE-9", "2022-03-05T08:30:00+08:00")
    assert [each["person_ref"] for each in tube["members"]] == [f"jiashan-hospital:Patient/p{n}" for n in (1, 2, 3)]
    assert tube["members"][0]["person"]["id_number"] == a_number(1)
    assert (result["kind"], result["tube_id"], result["result"]) == ("tube-result", "TUBE-9", "positive")
    assert (tube["source_id"], result["source_id"]) == ("Observation/o1/people", "Observation/o1")
    [gone] = records(pool(1, status="entered-in-error")[2])
    assert (gone["kind"], gone["source_id"], gone["withdrawn"]) == ("tube-result", "Observation/o1", True)


def test_a_pool_is_known_by_its_parents_its_contained_group_or_a_group_elsewhere() -> None:
    own = [specimen(n, subject={"reference": f"Patient/p{n}"}) for n in (2, 3)]
    pooled = specimen(1, identifier=[{"value": "TUBE-7"}], parent=[{"reference": f"Specimen/s{n}"} for n in (2, 3)])
    of_pool = {
        key: each for key, each in observation(specimen={"reference": "Specimen/s1"}).items() if key != "subject"
    }
    tube, result = records(bundle(*own, pooled, of_pool))
    assert (len(tube["members"]), tube["tube_id"], result["tube_id"]) == (2, "TUBE-7", "TUBE-7")
    group, _, result_of = pool(4, 5)
    contained = {**result_of, "subject": {"reference": "#g1"}, "contained": [group]}
    tube, _ = records({key: each for key, each in contained.items() if key != "specimen"})
    assert (tube["tube_id"], len(tube["members"])) == ("g1", 2)
    inner = [{**group, "member": [{"entity": {"reference": "#p4"}}]}, patient(4)]
    tube, _ = records({**result_of, "subject": {"reference": "#g1"}, "contained": inner})
    assert tube["members"][0]["person"]["id_number"] == a_number(4)
    [alone] = records(result_of)
    assert (alone["kind"], alone["tube_id"]) == ("tube-result", "s1")
    divided = specimen(1, parent=[{"reference": "Specimen/s2"}])
    single = observation(2, specimen={"reference": "Specimen/s1"})
    assert [each["kind"] for each in records(bundle(*own, divided, single))] == ["test"]


def test_a_report_of_a_pool_tells_its_genes_together() -> None:
    group, tube, orf = pool(1, 2, code=loinc("94559-2"))
    n = {**orf, "id": "o2", "code": loinc("94533-7")}
    told = {"subject": {"reference": "Group/g1"}, "specimen": [{"reference": "Specimen/s1"}]}
    found = records(bundle(group, tube, report("Observation/o1", "Observation/o2", **told), orf, n))
    assert [(each["kind"], each.get("result")) for each in found] == [("tube", None), ("tube-result", "positive")]
