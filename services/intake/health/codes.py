"""Code lists: what a test measures, a result says, a vaccine is, what a diagnosis names (the folder `lists`)."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_SYSTEMS = {
    "ln": "loinc",
    "loinc": "loinc",
    "http://loinc.org": "loinc",
    "sct": "snomed",
    "snm": "snomed",
    "snomed-ct": "snomed",
    "http://snomed.info/sct": "snomed",
    "i10": "icd-10",
    "i10c": "icd-10",
    "i10p": "icd-10",
    "icd10": "icd-10",
    "icd-10": "icd-10",
    "icd-10-cm": "icd-10",
    "icd-10-cn": "icd-10",
    "icd10-2.0": "icd-10",
    "gb/t14396": "icd-10",
    "gb/t 14396": "icd-10",
    "gb/t14396-2016": "icd-10",
    "gb/t 14396-2016": "icd-10",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "urn:oid:2.16.840.1.113883.12.292": "cvx",
    "cvx": "cvx",
    "http://www.whocc.no/atc": "atc",
    "hl70078": "interpretation",
    "http://terminology.hl7.org/codesystem/v2-0078": "interpretation",
    "http://terminology.hl7.org/codesystem/v3-observationinterpretation": "interpretation",
}
"""Names of code systems in HL7 (table 0396) and FHIR, in small letters -> the name in the files."""
_ICD_10 = re.compile(r"[A-Z]\d\d\.\d[0-9A-Z+*]{0,8}", re.ASCII | re.IGNORECASE)
"""A code with its point: every hospital names its edition in its own way, and shorter codes may mean anything."""
_LONGEST = 200


class Coded(NamedTuple):
    """A code as a message has it: the system's name, the code, its text; each may be empty."""

    system: str
    code: str
    text: str


class Diagnosis(NamedTuple):
    """classification: empty for diseases that are known and not recorded here."""

    disease: str
    classification: str


class Disease(NamedTuple):
    """law_class: A, B or C of the law on infectious diseases."""

    law_class: str
    name_en: str
    name_zh: str


def word_of(text: str) -> str:
    """A word as the lists have it: without blanks, in half width and small letters."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text[:_LONGEST])).strip().casefold()


class CodeLists:
    """tests, results, diagnoses, vaccines: (system, code or word) -> meaning.

    A source's own codes stand under the system ``.
    """

    def __init__(
        self,
        tests: Mapping[tuple[str, str], str],
        results: Mapping[tuple[str, str], str],
        diagnoses: Mapping[tuple[str, str], Diagnosis],
        vaccines: Mapping[tuple[str, str], str],
    ) -> None:
        self._tests, self._results, self._diagnoses, self._vaccines = tests, results, diagnoses, vaccines
        kinds = "|".join(re.escape(code) for system, code in diagnoses if system == "kind")
        self._with_kind = re.compile(rf"(.+?)[\s,、:;(\[【-]*(?:{kinds})(?:病例|患者)?[)\]】]*")
        self._parts = [(code, each.classification) for (system, code), each in diagnoses.items() if system == "part"]

    @classmethod
    def of(
        cls,
        tests: Mapping[str, str],
        results: Mapping[str, str],
        diagnoses: Mapping[str, str],
        vaccines: Mapping[str, str],
    ) -> CodeLists:
        """The shipped lists with a source's own beside them; its diagnoses are of COVID-19: code -> classification."""
        own = {word_of(code): Diagnosis("covid-19", meaning) for code, meaning in diagnoses.items()}
        return cls(
            _with_own(_shipped("tests.csv", "measures"), {word_of(code): each for code, each in tests.items()}),
            _with_own(_shipped("results.csv", "result"), {word_of(code): each for code, each in results.items()}),
            {**_shipped_diagnoses(), **{("", code): each for code, each in own.items()}},
            _with_own(_shipped("vaccines.csv", "vaccine"), {word_of(code): each for code, each in vaccines.items()}),
        )

    def measure(self, coded: Iterable[Coded]) -> str | None:
        """`rna`, `target` or `ct`; None: no nucleic acid of SARS-CoV-2."""
        return next((found for key in _keys(coded) if (found := self._tests.get(key))), None)

    def result(self, coded: Iterable[Coded]) -> str | None:
        """A `Result`, or None for a word that nobody has told."""
        return next((found for key in _keys(coded) if (found := self._results.get(key))), None)

    def vaccine(self, coded: Iterable[Coded]) -> str | None:
        """A `Vaccine`; None: against something else, or a word that nobody has told."""
        return next((found for key in _keys(coded) if (found := self._vaccines.get(key))), None)

    def diagnosis(self, coded: Iterable[Coded]) -> Diagnosis | None:
        """By code or name, the longest beginning of an ICD-10 code; words in the name may say how sure it is."""
        given = list(coded)
        found = next((each for key in self._diagnosis_keys(given) if (each := self._diagnoses.get(key))), None)
        if found is None or not found.classification:
            return found
        names = [word_of(each.text) for each in given]
        if any(("word", name) in self._diagnoses for name in names):
            return next(self._diagnoses["word", name] for name in names if ("word", name) in self._diagnoses)
        sure = next((meaning for part, meaning in self._parts if any(part in name for name in names)), None)
        return Diagnosis(found.disease, sure) if sure else found

    def _diagnosis_keys(self, coded: Iterable[Coded]) -> Iterable[tuple[str, str]]:
        for system, code in _keys(coded):
            yield system, code
            if system == "icd-10":
                yield from ((system, code[:length]) for length in range(min(len(code), 6) - 1, 2, -1))
            elif system == "word" and (named := self._with_kind.fullmatch(code)):
                yield system, named[1]


def _keys(coded: Iterable[Coded]) -> Iterable[tuple[str, str]]:
    """Where to look, in order: the source's own code, the standard's, the words."""
    for each in coded:
        system = _SYSTEMS.get(each.system.strip().casefold())
        code = each.code.strip()[:_LONGEST]
        if code:
            yield "", word_of(code)
            systems = (system,) if system else _systems(each.system, code)
            yield from ((name, code.upper() if name != "snomed" else code) for name in systems)
        for text in (each.text, code):
            if text:
                yield "", word_of(text)
                yield "word", word_of(text)


def _systems(named: str, code: str) -> tuple[str, ...]:
    """Of what a code may be whose system is not named, or by a name that nobody has told."""
    if not named:
        return "loinc", "snomed", "icd-10", "interpretation"
    return ("icd-10",) if _ICD_10.fullmatch(code) else ()


@cache
def shipped(name: str) -> list[dict[str, str]]:
    """The rows of a list; their columns stand in its first line."""
    text = files("services.intake.health").joinpath("lists", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _key(row: Mapping[str, str]) -> tuple[str, str]:
    return row["system"], word_of(row["code"]) if row["system"] in ("word", "part", "kind") else row["code"]


@cache
def _shipped(name: str, column: str) -> dict[tuple[str, str], str]:
    return {_key(row): row[column] for row in shipped(name)}


@cache
def _shipped_diagnoses() -> dict[tuple[str, str], Diagnosis]:
    by_name = {("word", word_of(row["name_zh"])): Diagnosis(row["disease"], "") for row in shipped("diseases.csv")}
    return by_name | {_key(row): Diagnosis(row["disease"], row["classification"]) for row in shipped("diagnoses.csv")}


@cache
def other_diseases() -> Mapping[str, Disease]:
    """Those of the law that are not COVID-19."""
    return {row["disease"]: Disease(row["class"], row["name_en"], row["name_zh"]) for row in shipped("diseases.csv")}


def _with_own(shipped: Mapping[tuple[str, str], str], own: Mapping[str, str]) -> dict[tuple[str, str], str]:
    return {**shipped, **{("", code): meaning for code, meaning in own.items()}}
