"""`CertificateDn`: the distinguished name of an operator's certificate, compared by attributes, not by spelling.

`CommonName`: the only part of it that Postfix tells.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, Self

from msgspec import Struct

from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins

COMMON_NAME: Final = "cn:"  # before a common name alone: no distinguished name is written so

_TYPES: Final = {
    "2.5.4.3": "CN", "COMMONNAME": "CN",
    "2.5.4.4": "SN", "SURNAME": "SN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C", "COUNTRYNAME": "C",
    "2.5.4.7": "L", "LOCALITYNAME": "L",
    "2.5.4.8": "ST", "S": "ST", "SP": "ST", "STATEORPROVINCENAME": "ST",
    "2.5.4.9": "STREET", "STREETADDRESS": "STREET",
    "2.5.4.10": "O", "ORGANIZATIONNAME": "O",
    "2.5.4.11": "OU", "ORGANIZATIONALUNITNAME": "OU",
    "2.5.4.12": "T", "TITLE": "T",
    "2.5.4.42": "GN", "G": "GN", "GIVENNAME": "GN",
    "2.5.4.97": "ORGANIZATIONIDENTIFIER", "ORGID": "ORGANIZATIONIDENTIFIER",
    "1.2.840.113549.1.9.1": "EMAILADDRESS", "E": "EMAILADDRESS", "EMAIL": "EMAILADDRESS",
    "0.9.2342.19200300.100.1.25": "DC", "DOMAINCOMPONENT": "DC",
    "0.9.2342.19200300.100.1.1": "UID", "USERID": "UID",
}  # fmt: skip
_NUMBERS: Final = {"OU", "SERIALNUMBER", "ORGANIZATIONIDENTIFIER"}
_TYPE: Final = re.compile(r"(?i:OID\.)?([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)")
_NEXT_TYPE: Final = re.compile(r" *[A-Za-z0-9.]+ *=")
_HEX_PAIR: Final = re.compile(r"[0-9A-Fa-f]{2}")
_LONGEST: Final = 2048
_SHORT: Final = 300  # too short to grow past the longest
_OPENSSL_BYTE: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")


class CertificateDn(Struct, frozen=True):
    """The attributes of a distinguished name as (type, folded value) pairs, in no order.

    Two spellings of one name are equal: order and direction, spaces, case (X.520 caseIgnoreMatch), escapes,
    attribute synonyms and OIDs, commas or the slashes OpenSSL writes.
    """

    attributes: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `CN=…,OU=…` (RFC 4514 and its looser relatives) or `/C=…/CN=…`. Raises `VocabularyError`."""
        if len(text) > _LONGEST:
            raise VocabularyError(f"a distinguished name has at most {_LONGEST} characters")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise VocabularyError("a distinguished name holds a character that no text has")
        dn = cls(_attributes(unicodedata.normalize("NFC", text)))
        if len(text) > _SHORT and len(str(dn)) > _LONGEST:  # escapes and folded letters may need more room
            raise VocabularyError(f"a distinguished name has at most {_LONGEST} characters")
        return dn

    @classmethod
    def parse_recordable(cls, text: str) -> Self:
        """Read a name that is to be recorded as an operator's. Raises `VocabularyError`, also where an INS is in it."""
        dn = cls.parse(text)
        if dn.mentions_ins:
            raise VocabularyError("an INS has no place in a distinguished name")
        return dn

    @property
    def mentions_ins(self) -> bool:
        """Whether an INS stands in it; structures have numbers of 15 digits too, so their attributes do not count."""
        return any(kind not in _NUMBERS and mentions_ins(value) for kind, value in self.attributes)

    def names(self, dn: "CertificateDn") -> bool:
        """Say whether this is the name of a certificate."""
        return self == dn

    def __str__(self) -> str:
        return ",".join(f"{name}={_escaped(value)}" for name, value in self.attributes)


class CommonName(Struct, frozen=True):
    """The common name alone of a certificate's subject, folded as in a distinguished name."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a common name as it stands, without a type before it. Raises `VocabularyError`."""
        if len(text) > _LONGEST or any("\ud800" <= character <= "\udfff" for character in text):
            raise VocabularyError("a common name is a text of a line")
        folded = _folded(text)
        if not folded:
            raise VocabularyError("a common name is not empty")
        return cls(folded)

    def names(self, dn: CertificateDn) -> bool:
        """Say whether a certificate has this common name, and no other."""
        return [value for kind, value in dn.attributes if kind == "CN"] == [self.value]

    def __str__(self) -> str:
        return f"{COMMON_NAME}{self.value}"


@lru_cache(maxsize=4096)
def _attributes(text: str) -> tuple[tuple[str, str], ...]:
    one_line = text.lstrip().startswith("/")
    pieces = _split_slashes(_OPENSSL_BYTE.sub(r"\\\1", text)) if one_line else _split(text)
    return tuple(sorted(_attribute(piece) for piece in pieces))


def _attribute(piece: str) -> tuple[str, str]:
    name, equals, value = piece.partition("=")
    matched = _TYPE.fullmatch(name.strip())
    if not equals or matched is None:
        raise VocabularyError("a distinguished name is a list of TYPE=value")
    kind = matched[1].upper()
    folded = _folded(_unescaped(value))
    if not folded:
        raise VocabularyError("an attribute of a distinguished name has no value")
    return _TYPES.get(kind, kind), folded


def _folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value.casefold()).split())


def _split(text: str) -> list[str]:
    """Cut at separators outside quotes and escapes; a plus only where another TYPE= follows."""
    pieces, start, quoted, index = [], 0, False, 0
    while index < len(text):
        if text[index] == "\\":
            index += 1
        elif text[index] == '"':
            quoted = not quoted
        elif not quoted and (text[index] in ",;" or (text[index] == "+" and _NEXT_TYPE.match(text, index + 1))):
            pieces.append(text[start:index])
            start = index + 1
        index += 1
    if quoted:
        raise VocabularyError("a quote in the distinguished name is not closed")
    return [*pieces, text[start:]]


def _split_slashes(text: str) -> list[str]:
    """Cut OpenSSL's one-line form; a slash that no TYPE= follows belongs to the value."""
    before, *pieces = re.split(r"(?<!\\)/(?=[A-Za-z0-9.]+=)", text.strip())
    if before or not pieces:
        raise VocabularyError("a distinguished name is a list of TYPE=value")
    return pieces


def _unescaped(value: str) -> str:
    bare = value.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        value = bare[1:-1]
    if "\\" not in value:
        return value
    out = bytearray()
    index = 0
    while index < len(value):
        if value[index] == "\\":
            if pair := _HEX_PAIR.match(value, index + 1):
                out.append(int(pair[0], 16))
                index += 3
                continue
            index += 1
            if index == len(value):
                raise VocabularyError("the distinguished name ends in a backslash")
        out += value[index].encode()
        index += 1
    try:
        return unicodedata.normalize("NFC", out.decode())
    except UnicodeDecodeError:
        raise VocabularyError("an escape in the distinguished name is not UTF-8") from None


def _escaped(value: str) -> str:
    return re.sub(r'([,;+"\\<>=])', r"\\\1", value)
