"""Identifiers of people and structures, and the versions of the référentiel."""

import re
from functools import lru_cache
from typing import Final

from huissier.domain.vocabulary.errors import VocabularyError

_RPPS: Final = re.compile(r"[0-9]{11}")
_ADELI: Final = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}")
_FINESS: Final = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}")
_SECTEUR: Final = re.compile(r"SA[0-9]{2}")
_OIDS: Final = {"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}
VERSION: Final = r"\A[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}\Z"
_VERSION: Final = re.compile(VERSION)


def parse_rpps(text: str) -> str:
    """Read a professionnel's RPPS number, 11 digits. Raises `VocabularyError`."""
    return _read(_RPPS, text, "an RPPS number has 11 digits")


def parse_adeli(text: str) -> str:
    """Read an ADELI number, 9 characters with 2A and 2B for Corsica. Raises `VocabularyError`."""
    return _read(_ADELI, text, "an ADELI number has 9 digits")


def parse_finess(text: str) -> str:
    """Read a structure's FINESS number, 9 characters with 2A and 2B for Corsica. Raises `VocabularyError`."""
    return _read(_FINESS, text, "a FINESS number has 9 digits")


def parse_secteur(text: str) -> str:
    """Read a secteur d'activité such as `SA33`. Raises `VocabularyError`."""
    return _read(_SECTEUR, text, "a secteur d'activité is written SA and two digits")


def parse_oid(text: str) -> str:
    """Read the OID of an INS: NIR, NIA, test or demonstration. Raises `VocabularyError`."""
    if text not in _OIDS:
        raise VocabularyError("the OID of an INS is 1.2.250.1.213.1.4.8 (NIR), .9 (NIA), .10 or .11 (test)")
    return text


def parse_referentiel(text: str) -> str:
    """Read a version of the référentiel such as `1.4` or `1.3.1`. Raises `VocabularyError`."""
    return _read(_VERSION, text, "a version of the référentiel is written 1.4 or 1.3.1")


@lru_cache(maxsize=64)
def version_key(version: str) -> tuple[int, ...]:
    """Return a key that orders versions: 1.4 equals 1.4.0 and comes before 1.10."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _read(pattern: re.Pattern[str], text: str, problem: str) -> str:
    upper = text.upper()
    if not text.isascii() or not pattern.fullmatch(upper):
        raise VocabularyError(problem)
    return upper
