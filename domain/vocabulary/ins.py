"""`Ins`, the identité nationale de santé, and the search for one where it does not belong."""

import re
import unicodedata
from typing import Final, Self

from msgspec import Struct

from huissier.domain.vocabulary.errors import VocabularyError

_SHAPE: Final = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{8}")
_CORSICA: Final = {"2A": "19", "2B": "18"}

# A matricule: sex, year, month (or 20, 30-42 and 50-99 where the month is unknown), département, the rest.
_MATRICULE: Final = r"[1-478][0-9]{2}(?:0[1-9]|1[0-2]|20|3[0-9]|4[0-2]|[5-9][0-9])(?:[0-9]{2}|2[AB])[0-9]{6}"
_WITH_KEY: Final = re.compile(rf"(?=({_MATRICULE}[0-9]{{2}}))", re.IGNORECASE)
# Standing alone it is one with any key or none: the published samples have keys that do not compute.
_ALONE: Final = re.compile(rf"(?<![0-9]){_MATRICULE}(?:[0-9]{{2}})?(?![0-9])", re.IGNORECASE)
_SPACED_RUN: Final = re.compile(r"[1-478](?:[\W_]*[0-9]){4}(?:[\W_]*[0-9AB]){2}(?:[\W_]*[0-9]){6,8}", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[\W_]+")
_DIGIT: Final = re.compile(r"[0-9]")
_FEWEST_DIGITS: Final = 12  # a Corsican matricule without its key


class Ins(Struct, frozen=True):
    """A matricule INS with its key: 15 characters, digits but for a Corsican `2A` or `2B` at positions 6 and 7.

    Source: référentiel INS; key = 97 − (the first 13 modulo 97), with 2A read as 19 and 2B as 18.
    """

    value: str

    @classmethod
    def parse(cls, text: str, *, lenient: bool = False) -> Self:
        """Read an INS; spaces between its groups and a lower-case Corsican letter are understood.

        `lenient` takes a key that does not compute, as the ANS's published samples need.
        Raises `VocabularyError`, which never repeats the text.
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
        return _SHAPE.fullmatch(text.upper()) is not None

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
    if len(_DIGIT.findall(plain := _plain(text))) < _FEWEST_DIGITS:
        return False
    return any(
        any(has_valid_key(found.upper()) for found in _WITH_KEY.findall(view)) or _ALONE.search(view)
        for view in (plain, _SEPARATORS.sub("", plain))
    )


def without_ins(text: str) -> str:
    """Return the text with every INS in it replaced by the word `usager` (EX_PSU_5020)."""
    if not mentions_ins(text):
        return text
    cleaned = _SPACED_RUN.sub("usager", _plain(text))
    return "usager" if mentions_ins(cleaned) else cleaned


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)
