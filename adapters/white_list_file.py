"""The national white list (liste blanche) as a file: its signature verified, its rows read from what was signed.

Only one form of signature is taken, the one the list has: enveloped over the whole document, exclusive
canonicalisation, RSA-SHA256. Certificates are judged at the list's own date, so that a list stays verifiable
after its signer has expired. Contacts in the list are not read.
"""

import base64
import lzma
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    KeyUsage,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from huissier.adapters.errors import WhiteListError
from huissier.domain.vocabulary.address import Domain
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.times import parse_time
from huissier.domain.white_list import WhiteList

LARGEST: Final = 64 * 1024 * 1024
_LONGEST_CHAIN: Final = 5
_XZ_MAGIC: Final = b"\xfd7zXZ\x00"
_LIST: Final = "{https://listeblanche.mssante.fr/schema}"
_SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


def read_white_list(path: Path, trust: Path) -> WhiteList:
    """Return the verified list in a file, plain or compressed with xz.

    `trust` is a PEM file of the pinned signer's certificate, or of the authority that issued it. Raises
    `WhiteListError` naming what is wrong; a row's error names the row and its line.
    """
    content = _content_of(path)
    root = _parsed(content)
    generated_at = _generation_date(root)
    signer, signed = _verified(content, root, _trusted_certificates(trust), generated_at)
    if _generation_date(signed) != generated_at:
        raise WhiteListError("the generation date of the white list is not the signed one")
    rows = list(_rows(signed, root))
    pairs: dict[str, set[CertificateDn]] = {}
    for domain, dn in rows:
        pairs.setdefault(domain, set()).add(dn)
    return WhiteList(
        generated_at=generated_at,
        sha256=sha256(content).hexdigest(),
        signer=signer.subject.rfc4514_string(),
        rows=len(rows),
        pairs={domain: frozenset(dns) for domain, dns in pairs.items()},
    )


def _content_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if content.startswith(_XZ_MAGIC):
            with lzma.open(BytesIO(content)) as unpacked:
                content = unpacked.read(LARGEST + 1)
    except (OSError, EOFError, lzma.LZMAError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "its compressed data is damaged"
        raise WhiteListError(f"the white list {path} cannot be read: {reason}") from None
    if len(content) > LARGEST:
        raise WhiteListError(f"the white list {path} is larger than {LARGEST} bytes")
    return content


def _trusted_certificates(path: Path) -> list[Certificate]:
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as problem:
        raise WhiteListError(f"the trusted certificates {path} cannot be read: {problem.strerror}") from None
    except ValueError:
        raise WhiteListError(f"{path} holds no PEM certificate") from None


def _parsed(content: bytes) -> etree._Element:
    """Parse without entities, network or document type; refuse what is not a white list at its root."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    if b"<!DOCTYPE" in content or content.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00")):
        raise WhiteListError("a white list has no document type and is written in UTF-8")
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        raise WhiteListError(f"the white list is not well-formed XML: {_first_line(problem)}") from None
    if root.tag != f"{_LIST}ListeBlancheMSSante":
        raise WhiteListError("the document is not a ListeBlancheMSSante of the MSSanté schema")
    return root


def _generation_date(root: etree._Element) -> datetime:
    dates = root.findall(f"{_LIST}DateDeGeneration")
    if len(dates) != 1:
        raise WhiteListError("the white list needs one DateDeGeneration")
    try:
        return parse_time(_text(dates[0]))
    except VocabularyError as problem:
        raise WhiteListError(f"DateDeGeneration of the white list: {problem}") from None


def _verified(
    content: bytes, root: etree._Element, trusted: list[Certificate], moment: datetime
) -> tuple[Certificate, etree._Element]:
    """Return the signer and the document as it was signed; nothing outside it may be believed."""
    candidates = _carried_certificates(_the_signature(root)) or trusted
    signers = [one for one in candidates if _leads_to(one, candidates, trusted, moment, _LONGEST_CHAIN)]
    if not signers:
        raise WhiteListError(
            "the signer of the white list is not a trusted certificate nor issued by one, or was not valid at its date"
        )
    for signer in signers:
        if (signed := _as_signed_by(signer, content, moment)) is not None:
            if signed.tag != root.tag:
                raise WhiteListError("the signature does not cover the white list as a whole")
            return signer, signed
    raise WhiteListError("the white list is not as it was signed: its signature does not verify")


def _as_signed_by(signer: Certificate, content: bytes, moment: datetime) -> etree._Element | None:
    """Return what a certificate's key signed, None where the signature is not its."""
    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=moment,
    )
    try:
        result = XMLVerifier().verify(content, x509_cert=signer, expect_config=config)
    except (SignXMLException, InvalidSignature, etree.LxmlError, ValueError, TypeError, AttributeError):
        return None
    return None if isinstance(result, list) else result.signed_xml


def _the_signature(root: etree._Element) -> etree._Element:
    """Return the one signature, of the one form that is taken."""
    signatures = list(root.iter(f"{_SIGNATURE}Signature"))
    if not signatures:
        raise WhiteListError("the white list is not signed")
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        raise WhiteListError("a white list has one signature, directly under its root")
    references = signatures[0].findall(f"{_SIGNATURE}SignedInfo/{_SIGNATURE}Reference")
    if [reference.get("URI") for reference in references] != [""]:
        raise WhiteListError("the signature does not cover the white list as a whole")
    algorithms = [
        element.get("Algorithm")
        for name in ("CanonicalizationMethod", "Transform")
        for element in signatures[0].iter(f"{_SIGNATURE}{name}")
    ]
    if algorithms != [_EXCLUSIVE_C14N, _ENVELOPED, _EXCLUSIVE_C14N]:
        raise WhiteListError("the white list is not signed enveloped with exclusive canonicalisation")
    return signatures[0]


def _carried_certificates(signature: etree._Element) -> list[Certificate]:
    carried = signature.iterfind(f"{_SIGNATURE}KeyInfo/{_SIGNATURE}X509Data/{_SIGNATURE}X509Certificate")
    try:
        return [load_der_x509_certificate(base64.b64decode(_text(element))) for element in carried]
    except ValueError:
        raise WhiteListError("a certificate in the white list's signature cannot be read") from None


def _leads_to(
    certificate: Certificate, carried: list[Certificate], trusted: list[Certificate], moment: datetime, steps: int
) -> bool:
    """Say whether a chain of authorities leads to a trusted certificate, each valid at the list's date."""
    if steps == 0 or not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        return False
    if certificate in trusted:
        return True
    return any(
        _is_authority(issuer)
        and _issued(issuer, certificate)
        and _leads_to(issuer, carried, trusted, moment, steps - 1)
        for issuer in (*trusted, *carried)
        if issuer != certificate
    )


def _is_authority(certificate: Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(BasicConstraints).value.ca:
            return False
        return certificate.extensions.get_extension_for_class(KeyUsage).value.key_cert_sign
    except ExtensionNotFound as problem:
        return problem.oid == KeyUsage.oid
    except ValueError:
        return False


def _issued(issuer: Certificate, certificate: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _rows(signed: etree._Element, original: etree._Element) -> Iterator[tuple[str, CertificateDn]]:
    """Yield (domain, certificate) of each row of the signed document; errors name the line of the original."""
    path = f"{_LIST}ListeDomaines/{_LIST}Domaine"
    lines = [row.sourceline for row in original.findall(path)]
    rows = signed.findall(path)
    if not rows:
        raise WhiteListError("the white list holds no domain; it would withdraw all of them")
    for number, (row, line) in enumerate(zip(rows, lines, strict=True), 1):
        where = f"row {number} of the white list (line {line})"
        try:
            yield (
                Domain.parse(_field(row, "Nom", where)).name,
                CertificateDn.parse(_field(row, "DNCertificatOperateur", where)),
            )
        except VocabularyError as problem:
            raise WhiteListError(f"{where}: {problem}") from None


def _field(row: etree._Element, name: str, where: str) -> str:
    found = row.findall(f"{_LIST}{name}")
    text = _text(found[0]) if len(found) == 1 else ""
    if not text:
        raise WhiteListError(f"{where} needs one {name}")
    return text


def _text(element: etree._Element) -> str:
    """Return the whole text of an element that holds nothing but text."""
    if len(element):
        raise WhiteListError(f"line {element.sourceline} of the white list holds more than text")
    return (element.text or "").strip()


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0][:200] if str(problem) else "no reason given"
