"""`Ins`, the identité nationale de santé, and the search for one where it does not belong."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Self

from msgspec import Struct

from huissier.domain.vocabulary.errors import VocabularyError

_LENGTH: Final = 15
_SHAPE: Final = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{8}")
_CORSICA: Final = {"2A": "19", "2B": "18"}

# A matricule: sex, year, month (or 20, 30-42 and 50-99 where the month is unknown), département, the rest.
_SEX: Final = "[1-478]"
_DEPARTMENT: Final = "(?:[0-9]{2}|2[AB])"
# What is taken for an INS. Standing alone: 15 characters of its shape without separators, whatever their key and month;
# 13 or 15 with separators anywhere in them and a possible month; 15 with separators and a valid key. Glued to other
# digits: 15, with separators or without, with a possible month and a valid key.
_WIDEST: Final = 40  # separators in a row that may stand between digits; a longer row counts as one
_GAP: Final = rf"[\W_]{{0,{_WIDEST}}}"
_WIDER: Final = re.compile(rf"(?<![\W_])[\W_]{{{_WIDEST + 1},}}+")
_MONTH_APART: Final = rf"(?:0{_GAP}[1-9]|1{_GAP}[0-2]|2{_GAP}0|3{_GAP}[0-9]|4{_GAP}[0-2]|[5-9]{_GAP}[0-9])"
_DEPARTMENT_APART: Final = rf"(?:[0-9]{_GAP}[0-9]|2{_GAP}[AB])"
_DIGITS_APART: Final = rf"(?:{_GAP}[0-9])"
_MATRICULE_APART: Final = (
    rf"{_SEX}{_DIGITS_APART}{{2}}{_GAP}{_MONTH_APART}{_GAP}{_DEPARTMENT_APART}{_DIGITS_APART}{{6}}"
)
_GLUED: Final = re.compile(rf"(?=({_MATRICULE_APART}{_DIGITS_APART}{{2}}))", re.IGNORECASE)
_ANY_APART: Final = rf"[0-9]{_DIGITS_APART}{{4}}{_GAP}{_DEPARTMENT_APART}{_DIGITS_APART}{{8}}"
_ALONE: Final = re.compile(
    rf"(?<![0-9])(?:[0-9]{{5}}{_DEPARTMENT}[0-9]{{8}}|{_MATRICULE_APART}(?:{_DIGITS_APART}{{2}})?)(?![0-9])",
    re.IGNORECASE,
)
_ALONE_WITH_KEY: Final = re.compile(rf"(?<![0-9])(?=({_ANY_APART})(?![0-9]))", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[\W_]")
_RUN: Final = re.compile(rf"[0-9](?:{_GAP}(?:[0-9]|(?<=2)[AB]))*", re.IGNORECASE)
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
# Letters that look like Corsica's A and B: Cyrillic, Greek, Coptic, Cherokee, Lisu, small capitals.
_LIKE_A: Final = "\u0410\u0430\u0391\u03b1\u2c80\u2c81\u13aa\uab7a\ua4ee\u1d00"
_LIKE_B: Final = "\u0412\u0432\u0392\u03b2\u2c82\u2c83\u13f4\u13fc\ua4d0\u0299"
_FILLERS: Final = "\u115f\u1160"  # letters of hangul that show nothing
_AS_SEEN: Final = str.maketrans(
    f"{_LIKE_A}{_LIKE_B}{_FILLERS}", "A" * len(_LIKE_A) + "B" * len(_LIKE_B) + " " * len(_FILLERS)
)
_FEWEST_DIGITS: Final = 12  # a Corsican matricule without its key
_MANY_DIGITS: Final = re.compile(rf"(?:[^0-9]*+[0-9]){{{_FEWEST_DIGITS}}}")  # most texts have fewer
_ROOM: Final = re.compile(rf"(?:[0-9][\W_ABab]*+){{{_FEWEST_DIGITS}}}")  # a text without such a run has no INS


class Ins(Struct, frozen=True):
    """A matricule INS with its key: 15 characters, digits but for a Corsican `2A` or `2B` at positions 6 and 7.

    Source: référentiel INS; key = 97 − (the first 13 modulo 97), with 2A read as 19 and 2B as 18.
    """

    value: str

    @classmethod
    def parse(cls, text: str, *, lenient: bool = False) -> Self:
        """Read an INS; spaces between its groups and a lower-case Corsican letter are understood.

        `lenient` accepts a wrong key, as the ANS's published samples need. Raises `VocabularyError`, which never
        repeats the text.
        """
        if not text.isascii():
            raise VocabularyError("an INS is written with ASCII digits")
        value = text.replace(" ", "").upper()
        if not _SHAPE.fullmatch(value):
            raise VocabularyError("an INS has 15 digits (2A or 2B at positions 6 and 7 for Corsica)")
        if not lenient and not has_valid_key(value):
            raise VocabularyError("the key of the INS does not match its first 13 characters")
        return cls(value)

    @classmethod
    def has_shape(cls, text: str) -> bool:
        """Say whether the text is written like an INS, its key aside."""
        return len(text) == _LENGTH and _SHAPE.fullmatch(text.upper()) is not None

    def __repr__(self) -> str:
        return "Ins(…)"

    __str__ = __repr__


def has_valid_key(value: str) -> bool:
    """Check the two last digits of 15 upper-case characters against the 13 before them."""
    matricule = value[:13]
    department = matricule[5:7]
    number = int(matricule[:5] + _CORSICA.get(department, department) + matricule[7:])
    return 97 - number % 97 == int(value[13:])


def mentions_ins(text: str) -> bool:
    """Say whether an INS stands anywhere in the text, spaced or glued, with its key or without."""
    if _has_few_digits(text):
        return False
    plain = _plain(text)
    if _ROOM.search(plain) is None:
        return False
    return (
        _ALONE.search(plain) is not None
        or any(map(_key_computes, _GLUED.findall(plain)))
        or next(_keyed(plain), None) is not None
    )


def _has_few_digits(text: str) -> bool:
    """Say whether a quick look shows that a text has too few digits for an INS, as most texts have."""
    if text.isascii():
        return _MANY_DIGITS.match(text) is None
    return text.replace(" ", "").replace("-", "").isalpha()  # no letter of any script counts as a digit


def without_ins(text: str) -> str:
    """Return the text with every INS in it replaced by the word `usager` (EX_PSU_5020)."""
    if not mentions_ins(text):
        return text
    cleaned = unicodedata.normalize("NFC", _RUN.sub(_without_run, _without_keyed(_plain(text))))
    return "usager" if mentions_ins(cleaned) else cleaned


def _without_run(run: re.Match[str]) -> str:
    """Replace a whole run of digits that holds an INS: without a key its beginning is unknown, and none may be left."""
    return "usager" if mentions_ins(run[0]) else run[0]


def _without_keyed(text: str) -> str:
    """Replace each INS with a valid key: the key tells where it begins among other digits."""
    kept, end = [], 0
    for start, stop in _keyed(text):
        if start >= end:
            kept += [text[end:start], "usager"]
            end = stop
    return "".join((*kept, text[end:]))


def _keyed(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each INS that stands alone with a valid key, with separators or without."""
    for found in _ALONE_WITH_KEY.finditer(text):
        if _key_computes(found[1]):
            yield found.start(), found.start() + len(found[1])


def _key_computes(spelled: str) -> bool:
    return has_valid_key(_SEPARATOR.sub("", spelled).upper())


def _digit(character: re.Match[str]) -> str:
    """Return the digit that a character is, in any script or in a circle, or else the character."""
    value = unicodedata.digit(character[0], None)
    return character[0] if value is None else str(value)


def _plain(text: str) -> str:
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text).translate(_AS_SEEN)  # accents then stand apart from their letters
        text = _BEYOND_ASCII.sub(_digit, apart)
    return _WIDER.sub(lambda row: row[0][0], text) if len(text) > _WIDEST else text
