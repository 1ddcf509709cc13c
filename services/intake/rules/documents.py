"""Documents by which a person is known: the form of each, its one way of writing, and check digits where there are any.

Identification number: GB 11643-1999 (18 characters; 15 digits before). Home return permit of residents of Hong Kong and
Macao (回乡证) and permit of residents of Taiwan (台胞证): Exit and Entry Administration, a number for life, then the
issue. Permanent residence card of foreigners: 15 characters, since 2023 18 by GB 11643. Passport: ICAO Doc 9303.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from services.intake.rules.numbers import check_character, wrong_with_number

_OLD = re.compile(r"[1-9]\d{14}")


class DocumentKind(StrEnum):
    """Beside the identification number, which has a field of its own."""

    PASSPORT = "passport"
    HOME_RETURN_PERMIT = "home_return_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    RESIDENCE_CARD = "residence_card"


FOR_LIFE = frozenset({DocumentKind.HOME_RETURN_PERMIT, DocumentKind.TAIWAN_PERMIT})
"""Whose number stays the same when the document is renewed: two numbers of such a kind are two people."""


def plain(text: str) -> str:
    """Full-width characters made narrow, blanks and hyphens left out, capitals."""
    if text.isascii() and text.isalnum():
        return text.upper()
    narrow = unicodedata.normalize("NFKC", text)
    return "".join(each for each in narrow if not each.isspace() and each not in "-‐‑–—").upper()


def plain_id_number(text: str) -> str:
    """An identification number in 18 characters; one of 15 digits is of somebody born in 19xx. Not checked."""
    number = plain(text)
    if number.isascii() and _OLD.fullmatch(number):
        digits = f"{number[:6]}19{number[6:]}"
        return digits + check_character(digits)
    return number


_PASSPORT = re.compile(r"[A-Z0-9]{5,12}")
_HOME_RETURN = re.compile(r"([HM]\d{8})(\d\d)?")
_TAIWAN = re.compile(r"(\d{8})(\d\d(\([A-Z]\))?)?")
_RESIDENCE_OLD = re.compile(r"[A-Z]{3}\d{12}")


def plain_document(kind: DocumentKind, number: str) -> str | None:
    """The number as it is looked for, without the issue; None where it has not the form of its kind."""
    text = plain(number)
    if not text.isascii():
        return None
    match kind:
        case DocumentKind.PASSPORT:
            return text if _PASSPORT.fullmatch(text) else None
        case DocumentKind.HOME_RETURN_PERMIT:
            return _first(_HOME_RETURN.fullmatch(text))
        case DocumentKind.TAIWAN_PERMIT:
            return _first(_TAIWAN.fullmatch(text))
        case DocumentKind.RESIDENCE_CARD:
            return text if _RESIDENCE_OLD.fullmatch(text) or _is_new_card(text) else None


def _is_new_card(text: str) -> bool:
    return text.startswith("9") and wrong_with_number(text) is None


def _first(found: re.Match[str] | None) -> str | None:
    return found.group(1) if found else None


_PHONE = re.compile(r"(?:\+|00)?86(?=1\d{10}$)")


def plain_phone(text: str) -> str:
    """A telephone number: digits and a leading + alone, without the country's own 86 before a mobile number."""
    narrow = unicodedata.normalize("NFKC", text)
    digits = narrow if narrow.isdigit() else "".join(each for each in narrow if each.isdigit() or each == "+")
    return _PHONE.sub("", digits) or narrow.strip()
