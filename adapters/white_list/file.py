"""The national white list (liste blanche) as a file: read only from what a trusted signer signed.

Contacts in the list are not read, and no error repeats a text of the list.
"""

import lzma
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.x509 import (
    Certificate,
    load_pem_x509_certificates,
)
from lxml import etree

from huissier.adapters.errors import UnreadableWhiteListError, WhiteListError
from huissier.adapters.white_list.signature import (
    carried_certificates,
    check_trust,
    signed_by,
    subject_of,
    text_of,
    the_signature,
)
from huissier.domain.vocabulary.address import Domain
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.times import parse_time
from huissier.domain.white_list import WhiteList

LARGEST: Final = 64 * 1024 * 1024
_MOST_MARKUP: Final = 1_000_000  # the list of 2025 has 123,430 of < and =, and two namespaces
_MOST_NAMESPACES: Final = 100
_UNPACKING_MEMORY: Final = 256 * 1024 * 1024
_XZ_MAGIC: Final = b"\xfd7zXZ\x00"
_LIST: Final = "{https://listeblanche.mssante.fr/schema}"


def read_white_list(path: Path, trust: Path) -> WhiteList:
    """Return the verified list in a file, plain or compressed with xz.

    `trust` is a PEM file of the pinned signer's certificate, or of authorities; whoever holds a certificate of
    such an authority can sign a list, so pin the signer where its authority issues to others. Raises
    `WhiteListError` naming what is wrong; a row's error names the row, its line and the field.
    """
    trusted = _trusted_certificates(trust)
    content = _content_of(path)
    document = _parsed(content)
    signature = the_signature(document)
    signer, carried = carried_certificates(signature)
    signed = signed_by(signer, document)
    generated_at = _generation_date(signed)
    check_trust(signer, carried, trusted, generated_at)
    rows = list(_rows(signed, document))
    pairs: dict[str, set[CertificateDn]] = {}
    for domain, dn in rows:
        pairs.setdefault(domain, set()).add(dn)
    return WhiteList(
        generated_at=generated_at,
        sha256=sha256(etree.tostring(signed, method="c14n", exclusive=True)).hexdigest(),
        signer=subject_of(signer),
        rows=len(rows),
        pairs={domain: frozenset(dns) for domain, dns in pairs.items()},
    )


def _content_of(path: Path) -> bytes:
    content = _bytes_of(path, "white list")
    if content.startswith(_XZ_MAGIC):
        content = _unpacked(content, path)
    if len(content) > LARGEST:
        raise WhiteListError(f"the white list {path} is larger than {LARGEST} bytes")
    return content


def _bytes_of(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as problem:
        raise UnreadableWhiteListError(f"the {what} {path} cannot be read: {problem.strerror}") from None
    except ValueError:
        raise UnreadableWhiteListError(f"the {what} cannot be read: its path is not one") from None


def _unpacked(packed: bytes, path: Path) -> bytes:
    """Unpack one xz stream, one byte beyond the limit at most, whatever size it claims."""
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_UNPACKING_MEMORY)
    try:
        content = unpacker.decompress(packed, max_length=LARGEST + 1)
    except lzma.LZMAError:
        raise WhiteListError(f"the white list {path} cannot be read: its compressed data is damaged") from None
    if len(content) <= LARGEST and (not unpacker.eof or unpacker.unused_data):
        raise WhiteListError(f"the white list {path} cannot be read: it is not one whole xz stream")
    return content


def _trusted_certificates(path: Path) -> list[Certificate]:
    content = _bytes_of(path, "file of trusted certificates")
    try:
        return load_pem_x509_certificates(content)
    except Exception:
        raise WhiteListError(f"{path} holds no PEM certificate, or one that cannot be read") from None


def _parsed(content: bytes) -> etree._Element:
    """Parse as UTF-8 without entities, network or document type; refuse what is not a white list at its root.

    A declared encoding is overruled: in UTF-7 or EBCDIC a DOCTYPE would not be seen in the bytes.
    """
    if b"<!DOCTYPE" in content:
        raise WhiteListError("the white list declares a document type, which a white list does not have")
    # Memory grows with nodes, not with bytes; time with the square of the namespaces of one element.
    if content.count(b"<") + content.count(b"=") > _MOST_MARKUP or content.count(b"xmlns") > _MOST_NAMESPACES:
        raise WhiteListError("the white list has more elements, attributes or namespaces than one can need")
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        document = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as problem:
        line, column = problem.position
        where = f"line {line}, column {column}"
        raise WhiteListError(f"the white list is not well-formed XML in UTF-8 ({where})") from None
    if document.tag != f"{_LIST}ListeBlancheMSSante":
        raise WhiteListError("the document is not a ListeBlancheMSSante of the MSSanté schema")
    return document


def _generation_date(signed: etree._Element) -> datetime:
    try:
        return parse_time(text_of(_only(signed, "DateDeGeneration")))
    except VocabularyError as problem:
        raise WhiteListError(f"DateDeGeneration of the white list: {problem}") from None


def _rows(signed: etree._Element, document: etree._Element) -> Iterator[tuple[str, CertificateDn]]:
    """Yield (domain, certificate) of each row of what was signed; errors name the line of the document."""
    try:
        rows = _only(signed, "ListeDomaines")
    except VocabularyError as problem:
        raise WhiteListError(f"ListeDomaines of the white list: {problem}") from None
    if any(row.tag != f"{_LIST}Domaine" for row in rows):  # or the domain in it would be withdrawn in silence
        raise WhiteListError("ListeDomaines of the white list holds something other than Domaine")
    if not len(rows):
        raise WhiteListError("the white list holds no domain; it would withdraw all of them")
    lines = [row.sourceline for row in document.iterfind(f"{_LIST}ListeDomaines/{_LIST}Domaine")]
    for number, (row, line) in enumerate(zip(rows, lines, strict=True), 1):
        field = "Nom"
        try:
            name = Domain.parse(text_of(_only(row, field))).name
            field = "DNCertificatOperateur"
            yield name, CertificateDn.parse_recordable(text_of(_only(row, field)))
        except VocabularyError as problem:
            raise WhiteListError(f"row {number} of the white list (line {line}), {field}: {problem}") from None


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{_LIST}{name}")
    if len(found) != 1:
        raise VocabularyError("missing" if not found else "given more than once")
    return found[0]
