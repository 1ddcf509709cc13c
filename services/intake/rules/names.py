"""How alike two names are: characters, their readings in pinyin, order, the dot, and characters nobody could write."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import lru_cache
from itertools import islice, product

from pypinyin import Style, pinyin
from rapidfuzz.fuzz import ratio

_WRITTEN = str.maketrans({**dict.fromkeys("·•‧∙⋅・･.．｡。", "·"), ",": " "})
"""Every kind of middle dot to one, and a comma to a blank."""
_UNWRITTEN = frozenset("?□*＊？〓�○X")
"""What senders write for a character that their system has not."""
_SURNAMES = {
    "单": "shan", "解": "xie", "仇": "qiu", "曾": "zeng", "区": "ou", "查": "zha", "任": "ren", "盖": "ge",
    "朴": "piao", "翟": "zhai", "缪": "miao", "宓": "mi", "乐": "yue", "秘": "bi", "种": "chong", "重": "chong",
    "洗": "xian", "冼": "xian", "尹": "yin", "覃": "qin", "牟": "mu", "隗": "wei", "幺": "yao", "黑": "he",
    "折": "she", "员": "yun", "贠": "yun", "祭": "zhai", "召": "shao", "相": "xiang", "哈": "ha", "繁": "po",
}  # fmt: skip
"""Surnames that are read otherwise than the character alone."""
_MOST_READINGS, _MOST_INITIALS = 32, 8


class Alike(StrEnum):
    """In what way two names are the same, or might be; the weight of each stands in `matching`."""

    EQUAL = "name_equal"
    ROMANISED = "name_romanised"
    ORDER = "name_order"
    UNWRITTEN = "name_unwritten"
    HOMOPHONE = "name_homophone"
    NEAR = "name_near"
    DIFFERS = "name_differs"


def plain_name(text: str) -> str:
    """One way of writing a name: narrow, without blanks between characters, every kind of middle dot the same."""
    dotted = unicodedata.normalize("NFKC", text).translate(_WRITTEN).strip("· ").casefold()
    return " ".join(dotted.replace("·", " ").split()) if _is_latin(dotted) else "".join(dotted.split())


def alike(one: str, other: str) -> Alike:
    """Both as `plain_name` gives them. NEAR: nearly the same letters or characters; a twin's name may be so too."""
    if one == other or one.replace("·", "") == other.replace("·", ""):
        return Alike.EQUAL
    if _is_latin(one) != _is_latin(other):
        return _romanised(one, other)
    if _is_latin(one):
        return _same_letters(one, other)
    return _same_characters(one, other)


def surname_key(name: str) -> str:
    """The reading of the surname, the same for 王小明 and WANG XIAOMING; of a name in letters its first word."""
    if not name:
        return ""
    if _is_latin(name):
        return _umlauts(name.split(maxsplit=1)[0].strip(","))
    return _SURNAMES.get(name[0]) or _readings(name[0])[0]


def initials(name: str) -> tuple[str, ...]:
    """The first letters of its reading, wxm for 王小明, in each way it may be read, at most 8."""
    if _is_latin(name):
        letters = [each[0] for each in _umlauts(name).split()]
        return ("".join(letters),) if len(letters) > 1 else ()
    first = [tuple(dict.fromkeys(each[0] for each in own if each[0].isalpha())) for own in _characters(name)]
    first = [letters for letters in first if letters]
    return tuple("".join(each) for each in islice(product(*first), _MOST_INITIALS)) if len(first) > 1 else ()


def _is_latin(text: str) -> bool:
    return bool(text) and max(text) < "\u0250"


def _same_characters(one: str, other: str) -> Alike:
    if len(one) == len(other) and _unwritten(one, other):
        return Alike.UNWRITTEN
    if sorted(one) == sorted(other):
        return Alike.ORDER
    if set(_whole(one)) & set(_whole(other)):
        return Alike.HOMOPHONE
    # 王子轩 and 王子涵 share two characters of three, and so do twins: worth a look, never more.
    return Alike.NEAR if ratio(one, other) >= 60 or ratio(_whole(one)[0], _whole(other)[0]) >= 80 else Alike.DIFFERS


def _unwritten(one: str, other: str) -> bool:
    pairs = [(a.upper(), b.upper()) for a, b in zip(one, other, strict=True) if a != b]
    return len(pairs) < len(one) and all(a in _UNWRITTEN or b in _UNWRITTEN for a, b in pairs)


def _same_letters(one: str, other: str) -> Alike:
    if _umlauts(one.replace(" ", "")) == _umlauts(other.replace(" ", "")):
        return Alike.ROMANISED
    if sorted(_umlauts(one).split()) == sorted(_umlauts(other).split()):
        return Alike.ORDER
    return Alike.NEAR if ratio(_umlauts(one), _umlauts(other)) >= 85 else Alike.DIFFERS


def _romanised(one: str, other: str) -> Alike:
    letters, characters = (one, other) if _is_latin(one) else (other, one)
    words = _umlauts(letters).replace(",", " ").split()
    read = set(_whole(characters))
    if "".join(words) in read:
        return Alike.ROMANISED
    if any("".join(words[at:] + words[:at]) in read for at in range(1, len(words))):
        return Alike.ORDER
    return Alike.NEAR if any(ratio("".join(words), reading) >= 85 for reading in read) else Alike.DIFFERS


def _umlauts(text: str) -> str:
    """吕 is LYU in a passport, LV on a keyboard, LU in old ones."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    for written in ("lyu", "lv"):
        bare = bare.replace(written, "lu")
    for written in ("nyu", "nv"):
        bare = bare.replace(written, "nu")
    return bare


@lru_cache(maxsize=65_536)
def _readings(character: str) -> tuple[str, ...]:
    found = pinyin(character, style=Style.NORMAL, heteronym=True)
    return tuple(dict.fromkeys(_umlauts(each.replace("ü", "u")) for each in found[0])) if found else (character,)


@lru_cache(maxsize=8_192)
def _whole(name: str) -> tuple[str, ...]:
    """The readings of a name in characters as one word each, the surname's own first; at most 32."""
    return tuple("".join(each) for each in islice(product(*_characters(name)), _MOST_READINGS)) or ("",)


def _characters(name: str) -> list[tuple[str, ...]]:
    """The readings of each character, the surname's own first."""
    parts = [_readings(each) for each in name if each != "·"]
    if name and name[0] in _SURNAMES:
        parts[0] = tuple(dict.fromkeys((_SURNAMES[name[0]], *parts[0])))
    return parts
