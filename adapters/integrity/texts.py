"""The texts in a stored event, whatever its form, and whether one looks like an INS."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins

_REMEMBERED: Final = 50_000
_USAGER: Final = re.compile(r"usager:([^@|]+)@")
# Times, and digests of files, hold as many digits as an INS.
_HARMLESS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z|[0-9a-f]{64}", re.ASCII)
_CERTIFICATE_NAMES: Final = {"certificate_dns", "certificate", "signer"}

_decode = msgspec.json.Decoder().decode


def texts_in(data: bytes) -> set[str]:
    """Return every text in the JSON of an event that could be decoded, the names of its fields included."""
    text = data.decode(errors="replace")
    return texts_in_wreck(data) if "\\" in text else set(text.split('"')[1::2])


def texts_in_wreck(data: bytes) -> set[str]:
    """Return every text in bytes that may be no event: where they are not even JSON, all of them as one text."""
    form = _form(data)
    return {data.decode(errors="replace")} if form is None else {text for _, text in _walk(form, "")}


def usagers_in(texts: Iterable[str]) -> set[str]:
    """Return the ids in the pseudonymous addresses of usagers."""
    return {found[1] for text in texts if (found := _USAGER.match(text)) is not None}


def mention_ins(texts: Iterable[str], data: bytes) -> bool:
    """Say whether one of the texts of an event looks like an INS; certificates' names may hold other numbers."""
    suspect = {text for text in texts if not _HARMLESS.fullmatch(text) and mentions_ins(text)}
    return bool(suspect) and any(
        not (place in _CERTIFICATE_NAMES and _is_harmless_name(text))
        for place, text in _walk(_form(data) or list(suspect), "")
        if text in suspect
    )


class SeenTexts:
    """Texts that need not be looked at again: most of what an event says was said before."""

    def __init__(self) -> None:
        """Start without any."""
        self._seen: set[str] = set()

    def new_in(self, texts: set[str]) -> set[str]:
        """Return those that have not been seen, or not of late."""
        return texts - self._seen

    def add(self, texts: set[str]) -> None:
        """Take in texts that are done with."""
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()
        self._seen |= texts


def _form(data: bytes) -> Any:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _walk(form: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in decoded JSON, each with the name of the field it stands in."""
    if isinstance(form, str):
        yield place, form
    elif isinstance(form, dict):
        for name, value in form.items():
            yield place, name
            yield from _walk(value, name)
    elif isinstance(form, list):
        for value in form:
            yield from _walk(value, place)


def _is_harmless_name(text: str) -> bool:
    """Say whether nothing in a certificate's name looks like an INS except in attributes that may hold numbers."""
    try:
        return not CertificateDn.parse(text).mentions_ins
    except VocabularyError:
        return False
